package telegram

import (
	"encoding/json"
	"unicode/utf8"

	"domovoy/reports"
)

const (
	maxData    = 64  // bytes, https://core.telegram.org/bots/api#inlinekeyboardbutton
	maxButtons = 100 // of a message
	maxLabel   = 64  // runes: more are cut off by every phone
)

// button is an inline one. Style is newer than the library.
type button struct {
	Text  string `json:"text"`
	Data  string `json:"callback_data"`
	Style string `json:"style,omitempty"`
}

// keyboard gives the buttons as reply_markup; empty: there are none. An action
// without an id cannot be found again when it is pressed, so it is left out.
func keyboard(actions []reports.Action) string {
	var rows [][]button
	var row []button
	total := 0
	for _, a := range actions {
		label := cut(oneLine(a.Label), maxLabel)
		if a.ID == "" || len(a.ID) > maxData || label == "" || total == maxButtons {
			continue
		}
		b := button{Text: label, Data: a.ID}
		if a.Danger {
			b.Style = "danger"
		}
		if len(row) > 0 && !roomy(append(row, b)) {
			rows, row = append(rows, row), nil
		}
		row = append(row, b)
		total++
	}
	if len(row) > 0 {
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return ""
	}
	return encode(map[string]any{"inline_keyboard": rows})
}

// roomy tells whether a phone shows the labels of a row in full; the buttons
// of a row are equally wide.
func roomy(row []button) bool {
	longest := 0
	for _, b := range row {
		longest = max(longest, utf8.RuneCountInString(b.Text))
	}
	switch len(row) {
	case 1:
		return true
	case 2:
		return longest <= 16
	case 3:
		return longest <= 10
	}
	return false
}

// encode writes JSON of values that always have one.
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}
