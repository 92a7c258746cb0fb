// Package console talks with one person in a terminal.
//
// It is a full messenger: Send and Edit print, Listen stores what is typed.
// Who needs an answer before the next line is read (a script, a transcript, a
// demonstration) uses Run in place of Listen. Messages may arrive by Send
// while somebody types: in terminal mode they appear above the half-typed
// line.
//
// A message's buttons are numbered; typing a number presses that button of
// the last message that had any. What strangers wrote is stripped of control
// characters, so that no web server moves our cursor.
package console
