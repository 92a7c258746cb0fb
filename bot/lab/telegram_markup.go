package lab

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Entity is a formatted part of a text. Offset and Length are in UTF-16 code units.
// https://core.telegram.org/bots/api#messageentity
type Entity struct {
	Type     string `json:"type"`
	Offset   int    `json:"offset"`
	Length   int    `json:"length"`
	URL      string `json:"url,omitempty"`
	Language string `json:"language,omitempty"`
}

// htmlParser parses the HTML style of parse_mode. It is stricter than the real server:
// it refuses a bare ampersand, unknown attributes, and markup inside code, which
// are mistakes that the real server silently drops.
// https://core.telegram.org/bots/api#html-style
type htmlParser struct {
	rest     string
	text     strings.Builder
	length   int // of text, in UTF-16 units
	open     []openTag
	entities []Entity
}

type openTag struct {
	name   string
	entity int // its index in entities, which are in the order of their start tags
}

// entityTypes are the types of entities by the allowed tags.
func entityTypes() map[string]string {
	return map[string]string{
		"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "s": "strikethrough",
		"code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote", "tg-spoiler": "spoiler",
	}
}

// parseHTML returns the plain text and its entities.
func parseHTML(source string) (string, []Entity, error) {
	p := &htmlParser{rest: source}
	for p.rest != "" {
		if err := p.step(); err != nil {
			return "", nil, badRequest("can't parse entities: " + err.Error())
		}
	}
	if n := len(p.open); n > 0 {
		return "", nil, badRequest(fmt.Sprintf("can't parse entities: Can't find end tag corresponding to start tag %q", p.open[n-1].name))
	}
	p.entities = slices.DeleteFunc(p.entities, func(e Entity) bool { return e.Length == 0 }) // an entity without text has no effect
	return p.text.String(), p.entities, nil
}

func (p *htmlParser) step() error {
	switch p.rest[0] {
	case '<':
		return p.tag()
	case '&':
		return p.character()
	}
	end := strings.IndexAny(p.rest, "<&")
	if end < 0 {
		end = len(p.rest)
	}
	p.write(p.rest[:end])
	p.rest = p.rest[end:]
	return nil
}

func (p *htmlParser) write(text string) {
	p.text.WriteString(text)
	p.length += units(text)
}

var characterReference = regexp.MustCompile(`^&(?:(lt|gt|amp|quot)|#([0-9]+)|#[xX]([0-9a-fA-F]+));`)

// character parses one of the four named references that Telegram supports, or a
// numeric one.
func (p *htmlParser) character() error {
	m := characterReference.FindStringSubmatch(p.rest)
	if m == nil {
		return fmt.Errorf("Unescaped character '&' before %q", head(p.rest))
	}
	p.rest = p.rest[len(m[0]):]
	if m[1] != "" {
		p.write(map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`}[m[1]])
		return nil
	}
	digits, base := m[2], 10
	if digits == "" {
		digits, base = m[3], 16
	}
	code, err := strconv.ParseUint(digits, base, 32)
	if err != nil || code == 0 || !utf8.ValidRune(rune(code)) {
		return fmt.Errorf("Invalid character reference %q", m[0])
	}
	p.write(string(rune(code)))
	return nil
}

var tagShape = regexp.MustCompile(`^<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[a-zA-Z-]+(?:\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))?)*)\s*>`)

func (p *htmlParser) tag() error {
	m := tagShape.FindStringSubmatch(p.rest)
	if m == nil {
		return fmt.Errorf("Unclosed start tag or unescaped character '<' before %q", head(p.rest))
	}
	p.rest = p.rest[len(m[0]):]
	name := strings.ToLower(m[2])
	if m[1] == "/" {
		return p.closeTag(name)
	}
	return p.openTag(name, m[3])
}

func (p *htmlParser) openTag(name, attributes string) error {
	kind, known := entityTypes()[name]
	if !known {
		return fmt.Errorf("Unsupported start tag %q", name)
	}
	if err := p.nesting(name); err != nil {
		return err
	}
	entity := Entity{Type: kind, Offset: p.length}
	if err := entity.attribute(name, attributes); err != nil {
		return err
	}
	p.open = append(p.open, openTag{name, len(p.entities)})
	p.entities = append(p.entities, entity)
	return nil
}

// nesting refuses entities inside those that cannot contain any, except <pre><code>.
func (p *htmlParser) nesting(name string) error {
	for i, outer := range p.open {
		inCode := outer.name == "code" || outer.name == "pre" && (name != "code" || i != len(p.open)-1)
		twice := outer.name == name && (name == "a" || name == "blockquote")
		if inCode || twice {
			return fmt.Errorf("Tag %q can't be inside of %q", name, outer.name)
		}
	}
	return nil
}

func (p *htmlParser) closeTag(name string) error {
	if len(p.open) == 0 {
		return fmt.Errorf("Unexpected end tag %q", name)
	}
	last := p.open[len(p.open)-1]
	if last.name != name {
		return fmt.Errorf("Unmatched end tag, expected \"</%s>\", found \"</%s>\"", last.name, name)
	}
	p.open = p.open[:len(p.open)-1]
	entity := &p.entities[last.entity]
	entity.Length = p.length - entity.Offset
	return nil
}

var (
	linkAttribute     = regexp.MustCompile(`^\s+href\s*=\s*["']((?:https?|tg|mailto):[^"'\s]+)["']\s*$`)
	languageAttribute = regexp.MustCompile(`^\s+class\s*=\s*["']language-([\w+-]+)["']\s*$`)
)

// attribute parses the one attribute that a tag may have and a link must have.
func (e *Entity) attribute(tag, attributes string) error {
	attributes = strings.TrimRight(attributes, " \t\r\n")
	switch {
	case tag == "a":
		m := linkAttribute.FindStringSubmatch(attributes)
		if m == nil {
			return fmt.Errorf("Tag \"a\" needs a href with a link, found %q", attributes)
		}
		link, _, err := parseHTML(m[1]) // a link's own "&" must be escaped too
		if err != nil {
			return fmt.Errorf("Link %q has an unescaped character", m[1])
		}
		e.URL = link
	case attributes == "":
	case tag == "code" && languageAttribute.MatchString(attributes):
		e.Language = languageAttribute.FindStringSubmatch(attributes)[1]
	case tag == "blockquote" && strings.TrimSpace(attributes) == "expandable":
		e.Type = "expandable_blockquote"
	default:
		return fmt.Errorf("Tag %q has an unknown attribute %q", tag, attributes)
	}
	return nil
}

func head(text string) string {
	runes := []rune(text)
	return string(runes[:min(20, len(runes))])
}

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

// parseKeyboard parses reply_markup; only the buttons of inline keyboards belong to a
// message. https://core.telegram.org/bots/api#inlinekeyboardmarkup
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
