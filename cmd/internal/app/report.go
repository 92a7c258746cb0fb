package app

import (
	"domovoy/bot"
	"domovoy/reports"
)

// Reports that can be asked for.
const (
	Daily  = bot.Daily
	Weekly = bot.Weekly
)

// Files are what the reply brings along, behind its own text as a file.
func (r Reply) Files(name, text string) []reports.File {
	return append([]reports.File{{Name: name, Type: "text/plain", Data: []byte(text)}}, r.Message.Files...)
}
