// Package telegram talks with people through Telegram's Bot API.
//
// # What can be relied on
//
// Listen stores updates before it confirms them, so that a crash repeats some
// instead of losing any. An update's key is its update_id. Telegram restarts
// these numbers at random, lower ones too, after a week without updates; the
// cursor is therefore the number after the last update received, not after the
// highest one ever seen. A new number can meet an old one only by chance.
//
// Send is done when the words have arrived. A single file with few words goes
// out in one call, with the words as its caption: both arrive, or neither does
// and the whole is tried again. Otherwise the words go first and the files
// follow as replies. A file that fails then does not repeat the words: it is
// tried three times, logged, and a line in the chat says that it is missing,
// and where it is kept.
//
// # The library
//
// Of telegram-bot-api only MakeRequest and UploadFiles are used; it lacks
// topics, contexts and timeouts, and its poller loses updates. It writes to a
// logger of its own, which is a global and which this package leaves alone:
// those two functions write nothing unless Debug is set, and it never is.
package telegram
