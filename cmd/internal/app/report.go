package app

import (
	"time"

	"domovoy/bot"
	"domovoy/bot/digest"
	"domovoy/reports"
)

// Reports that can be asked for.
const (
	Daily  = bot.Daily
	Weekly = bot.Weekly
)

// IsWeek reports whether a word names a week, such as 2026-W46.
func IsWeek(word string) bool {
	_, err := digest.ParseWeek(word, time.UTC) // a week is one in every zone
	return err == nil
}

// Files are what the reply brings along, behind its own text as a file.
func (r Reply) Files(name, text string) []reports.File {
	return append([]reports.File{{Name: name, Type: "text/plain", Data: []byte(text)}}, r.Message.Files...)
}
