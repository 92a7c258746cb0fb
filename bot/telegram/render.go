package telegram

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"domovoy/i18n"
	"domovoy/reports"
)

// Limits in UTF-16 code units, after parsing of entities.
// https://core.telegram.org/bots/api#sendmessage, #senddocument
const (
	maxText    = 4096
	maxCaption = 1024

	// maxEntities is less than the 100 entities that Telegram allows in a
	// message, because links and commands that it detects itself count too.
	maxEntities = 95
)

// piece is a part of a line in one style.
type piece struct {
	tag  string // an HTML tag; empty: none
	text string // the result of clean, not escaped
}

// line is a line of a message. Those that are folded in a row stand in one quotation
// that a tap expands.
type line struct {
	pieces []piece
	folded bool
}

// Render returns a message as HTML of Telegram's dialect, shortened by reports.Fit to
// the limit of a text message.
func Render(bundle *i18n.Bundle, m reports.Message) string {
	return markup(fitted(bundle, m, maxText))
}

// fitted returns the lines of a message shortened to a limit of UTF-16 code units.
func fitted(bundle *i18n.Bundle, m reports.Message, limit int) []line {
	c := newComposer(bundle, m)
	return c.compose(reports.Fit(m, limit, func(m reports.Message) int { return measure(c.compose(m), limit) }))
}

// measure returns the length of a message, of one that is longer than a limit only that
// it is. One with too many entities is longer than any limit.
func measure(lines []line, limit int) int {
	length, entities := 0, 0
	for i, l := range lines {
		if length > limit {
			break
		}
		if i > 0 {
			length++
		}
		if l.folded && (i == 0 || !lines[i-1].folded) {
			entities++
		}
		for _, p := range l.pieces {
			length += units(p.text)
			if p.tag != "" {
				entities++
			}
		}
	}
	if entities > maxEntities {
		return maxText + entities
	}
	return length
}

// https://core.telegram.org/bots/api#html-style
const (
	foldStart = "<blockquote expandable>"
	foldEnd   = "</blockquote>"
)

// markup writes lines as HTML.
func markup(lines []line) string {
	var b strings.Builder
	folded := false
	for i, l := range lines {
		if folded && !l.folded {
			b.WriteString(foldEnd)
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		if l.folded && !folded {
			b.WriteString(foldStart)
		}
		folded = l.folded
		for _, p := range l.pieces {
			if p.tag == "" {
				b.WriteString(escape(p.text))
				continue
			}
			b.WriteString("<" + p.tag + ">" + escape(p.text) + "</" + p.tag + ">")
		}
	}
	if folded {
		b.WriteString(foldEnd)
	}
	return b.String()
}

// plain writes lines without any markup.
func plain(lines []line) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		for _, p := range l.pieces {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// blank reports whether lines show nothing.
func blank(lines []line) bool {
	for _, l := range lines {
		for _, p := range l.pieces {
			if strings.TrimSpace(p.text) != "" {
				return false
			}
		}
	}
	return true
}

// composer composes a message, again and again while that is shortened: each item and
// each text is read once.
type composer struct {
	locale *i18n.Locale
	items  map[reports.Item][]piece
	texts  map[piece][]piece // what becomes of a text, by its style and as it is in the message
}

func newComposer(bundle *i18n.Bundle, m reports.Message) *composer {
	return &composer{locale: bundle.Locale(m.Language, nil), items: map[reports.Item][]piece{}, texts: map[piece][]piece{}}
}

// compose returns the lines of a message that is not shortened.
func compose(bundle *i18n.Bundle, m reports.Message) []line {
	return newComposer(bundle, m).compose(m)
}

// compose returns the lines of a message: the title, then the sections, each after
// an empty line. Folded ones have none before them: a quotation has margins.
func (c *composer) compose(m reports.Message) []line {
	var title []piece
	if mark := m.Tone.Mark(); mark != "" {
		title = append(title, piece{text: mark + " "})
	}
	lines := []line{{pieces: append(title, named("b", oneLine(m.Title))...)}}
	for _, s := range m.Sections {
		part := c.section(s)
		if len(part) > 0 && !s.Folded {
			lines = append(lines, line{})
		}
		lines = append(lines, part...)
	}
	if blank(lines) {
		return []line{{pieces: []piece{{text: "…"}}}} // Telegram refuses an empty message
	}
	return lines
}

// named returns a text as pieces: its names as code, which one tap copies, the rest
// with the given tag.
func named(tag, text string) []piece {
	var pieces []piece
	for _, s := range reports.Spans(text) {
		p := piece{tag: tag, text: s.Text}
		if s.Name {
			p.tag = "code" // which can be inside of no other style
		}
		pieces = append(pieces, p)
	}
	return pieces
}

func (c *composer) section(s reports.Section) []line {
	var lines []line
	add := func(pieces ...piece) {
		if len(pieces) > 0 && pieces[0].text != "" {
			lines = append(lines, line{pieces: pieces, folded: s.Folded})
		}
	}
	add(c.read("b", s.Heading, func(text string) []piece { return named("b", oneLine(text)) })...)
	add(c.read("", s.Text, func(text string) []piece { return named("", paragraphs(text)) })...)
	for _, item := range s.Items {
		add(c.item(item)...)
	}
	if s.Left > 0 {
		add(piece{text: c.locale.Count("list.more", s.Left)})
	}
	// Inside <code> and <pre> Telegram makes no links and mentions of foreign text.
	quote := c.read("code", s.Quote, func(text string) []piece { return []piece{{"code", paragraphs(text)}} })
	if strings.Contains(quote[0].text, "\n") && !s.Folded {
		quote = []piece{{"pre", quote[0].text}}
	}
	add(quote...)
	return lines
}

// read returns what becomes of a text of one style.
func (c *composer) read(style, text string, read func(string) []piece) []piece {
	key := piece{style, text}
	pieces, ok := c.texts[key]
	if !ok {
		pieces = read(text)
		c.texts[key] = pieces
	}
	return pieces
}

// item returns what itemLine does.
func (c *composer) item(item reports.Item) []piece {
	read, known := c.items[item]
	if !known {
		read = itemLine(item)
		c.items[item] = read
	}
	return read
}

func itemLine(item reports.Item) []piece {
	text, note := oneLine(item.Text), oneLine(item.Note)
	if text != "" && note != "" {
		text += " — "
	}
	if text += note; text == "" {
		return nil
	}
	mark := item.Tone.Mark()
	switch {
	case item.Row > 0:
		mark = strings.TrimSpace(strconv.Itoa(item.Row) + ". " + mark)
	case mark == "":
		mark = "•"
	}
	return append([]piece{{text: mark + " "}}, named("", text)...)
}

const (
	maxData    = 64  // bytes, https://core.telegram.org/bots/api#inlinekeyboardbutton
	maxButtons = 100 // of a message
	maxLabel   = 64  // runes; phones cut longer ones off
)

// button is an InlineKeyboardButton. Style is newer than the library.
type button struct {
	Text  string `json:"text"`
	Data  string `json:"callback_data,omitempty"`
	URL   string `json:"url,omitempty"`
	Style string `json:"style,omitempty"`
}

// numbersPerRow is how many buttons with the number of a row stand side by side.
const numbersPerRow = 5

// keyboard returns the buttons as reply_markup; empty: there are none. Those of the
// list's rows come first, with the rows' numbers; of the others one page.
func keyboard(locale *i18n.Locale, m reports.Message) string {
	var numbers []button
	for _, a := range m.RowActions() {
		if a.ID != "" && len(a.ID) <= maxData && len(numbers) < maxButtons/2 {
			numbers = append(numbers, button{Text: strconv.Itoa(a.Row), Data: a.ID})
		}
	}
	rows := slices.Collect(slices.Chunk(numbers, numbersPerRow))
	pages := m.ButtonPages()
	page := pages[max(0, m.Page)%len(pages)]
	if len(pages) > 1 {
		page = append(slices.Clip(page), reports.Action{ID: m.More, Label: locale.Say("action.more")})
	}
	if rows = append(rows, buttonRows(page)...); len(rows) == 0 {
		return ""
	}
	return encode(map[string]any{"inline_keyboard": rows})
}

// buttonRows are the buttons of actions. It leaves out actions without an id, which
// could not be identified when pressed, unless they open a URL.
func buttonRows(actions []reports.Action) [][]button {
	var rows [][]button
	var row []button
	total := 0
	for _, a := range actions {
		label := cut(oneLine(a.Label), maxLabel)
		if (a.ID == "" || len(a.ID) > maxData) && a.URL == "" || label == "" || total == maxButtons/2 {
			continue
		}
		b := button{Text: label, Data: a.ID, URL: a.URL}
		if a.URL != "" {
			b.Data = "" // a button does one thing
		}
		if a.Danger {
			b.Style = "danger"
		}
		if len(row) > 0 && !fitsRow(append(row, b)) {
			rows, row = append(rows, row), nil
		}
		row = append(row, b)
		total++
	}
	if len(row) > 0 {
		rows = append(rows, row)
	}
	return rows
}

// fitsRow reports whether a phone shows the labels of a row in full; all buttons of a
// row have the same width.
func fitsRow(row []button) bool {
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

// encode returns the JSON of a value that can always be encoded.
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// units counts UTF-16 code units, as Telegram does. Some people measured code points
// instead; code units are the stricter reading.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r)) // -1 for an invalid rune, which clean has replaced
	}
	return n
}

// escaper is made once: that costs more than a message's use of it.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape returns a text for use in HTML.
// https://core.telegram.org/bots/api#html-style
func escape(s string) string { return escaper.Replace(s) }

// clean removes from a text, which may come from strangers, invalid UTF-8, control
// characters, and marks that change the writing direction. The zero-width joiner
// and non-joiner stay, because emoji and some scripts need them.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case ' ' <= r && r <= '~' || r == '\n' || r == '\u200C' || r == '\u200D':
			return r
		case r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}

// oneLine returns a clean text without line breaks.
func oneLine(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(clean(s), "\n", " "))
}

// paragraphs returns a clean text with at most one empty line in a row.
func paragraphs(s string) string {
	s = clean(s)
	for strings.Contains(s, "\n\n\n") {
		s = strings.ReplaceAll(s, "\n\n\n", "\n\n")
	}
	return strings.TrimSpace(s)
}

// cut shortens a text to a number of runes.
func cut(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return strings.TrimSpace(string(runes[:limit-1])) + "…"
}
