import KeyCoding
