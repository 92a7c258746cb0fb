package lab

import (
	"encoding/json"
	"net/url"
	"slices"
)

const (
	maxCallbackData = 64 // bytes
	maxButtons      = 100
)

type inlineButton struct {
	Text  string  `json:"text"`
	Data  *string `json:"callback_data,omitempty"`
	URL   string  `json:"url,omitempty"`
	Copy  *copied `json:"copy_text,omitempty"`
	Style string  `json:"style,omitempty"`
}

type copied struct {
	Text string `json:"text"`
}

// parseKeyboard reads reply_markup; only inline keyboards carry buttons that
// belong to a message. https://core.telegram.org/bots/api#inlinekeyboardmarkup
func parseKeyboard(raw string) ([][]Button, error) {
	if raw == "" {
		return nil, nil
	}
	var markup struct {
		Rows [][]inlineButton `json:"inline_keyboard"`
	}
	if json.Unmarshal([]byte(raw), &markup) != nil {
		return nil, badRequest("can't parse reply keyboard markup JSON object")
	}
	var rows [][]Button
	total := 0
	for _, row := range markup.Rows {
		buttons, err := parseRow(row)
		if err != nil {
			return nil, err
		}
		if total += len(row); total > maxButtons {
			return nil, badRequest("reply markup is too long")
		}
		if len(buttons) > 0 {
			rows = append(rows, buttons)
		}
	}
	return rows, nil
}

func parseRow(row []inlineButton) ([]Button, error) {
	var buttons []Button
	for _, b := range row {
		if err := b.check(); err != nil {
			return nil, err
		}
		button := Button{Label: b.Text, URL: b.URL, Style: b.Style}
		if b.Data != nil {
			button.Data = *b.Data
		}
		if b.Copy != nil {
			button.Copy = b.Copy.Text
		}
		buttons = append(buttons, button)
	}
	return buttons, nil
}

func (b inlineButton) check() error {
	actions := 0
	for _, given := range []bool{b.Data != nil, b.URL != "", b.Copy != nil} {
		if given {
			actions++
		}
	}
	link, err := url.Parse(b.URL)
	switch {
	case b.Text == "":
		return badRequest("can't parse inline keyboard button: Field \"text\" must be non-empty")
	case actions == 0:
		return badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
	case actions > 1:
		return badRequest("BUTTON_TYPE_INVALID")
	case b.Data != nil && (*b.Data == "" || len(*b.Data) > maxCallbackData):
		return badRequest("BUTTON_DATA_INVALID")
	case b.URL != "" && (err != nil || !slices.Contains([]string{"http", "https", "tg"}, link.Scheme)):
		return badRequest("BUTTON_URL_INVALID")
	case b.Copy != nil && (b.Copy.Text == "" || units(b.Copy.Text) > 256):
		return badRequest("BUTTON_COPY_TEXT_INVALID")
	case !slices.Contains([]string{"", "danger", "success", "primary"}, b.Style):
		return badRequest("BUTTON_STYLE_INVALID")
	}
	return nil
}

func keyboardJSON(rows [][]Button) object {
	keyboard := make([][]inlineButton, len(rows))
	for i, row := range rows {
		for _, b := range row {
			button := inlineButton{Text: b.Label, URL: b.URL, Style: b.Style}
			if b.Data != "" {
				button.Data = &b.Data
			}
			if b.Copy != "" {
				button.Copy = &copied{b.Copy}
			}
			keyboard[i] = append(keyboard[i], button)
		}
	}
	return object{"inline_keyboard": keyboard}
}
