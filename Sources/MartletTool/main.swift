internal import MartletCommands

MartletCommand.runAndExit()
