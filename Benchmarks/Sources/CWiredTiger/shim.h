#include <wiredtiger.h>

// Swift cannot call functions with a variable number of arguments through a pointer.

static inline void wiredtiger_set_key(WT_CURSOR *cursor, const WT_ITEM *key) {
  cursor->set_key(cursor, key);
}

static inline void wiredtiger_set_value(WT_CURSOR *cursor, const WT_ITEM *value) {
  cursor->set_value(cursor, value);
}

static inline int wiredtiger_get_key(WT_CURSOR *cursor, WT_ITEM *key) {
  return cursor->get_key(cursor, key);
}

static inline int wiredtiger_get_value(WT_CURSOR *cursor, WT_ITEM *value) {
  return cursor->get_value(cursor, value);
}
