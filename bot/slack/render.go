package slack

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	slackgo "github.com/slack-go/slack"

	"domovoy/i18n"
	"domovoy/reports"
)

// Limits of a message. Slack documents the number of blocks; the other two
// are undocumented: 9,597 characters in 15.6 KB of JSON were accepted, 11,341
// in 17.7 KB refused with msg_blocks_too_long.
const (
	maxBlocks = 50
	maxUnits  = 8000     // UTF-16 code units of text in all blocks
	maxJSON   = 14 << 10 // bytes of the encoded blocks
)

// maxFallback keeps the text beside the blocks one notification long.
const maxFallback = 300 // runes

// Render turns a message into blocks within all limits of Slack: what does
// not fit is left out by reports.Fit, and counted.
func Render(m reports.Message, bundle *i18n.Bundle) []slackgo.Block {
	locale := bundle.Locale(m.Language, nil)
	m = reports.Fit(m, full, func(m reports.Message) int { return compose(m, locale).load() })
	return compose(m, locale).blocks
}

// Fallback is the text beside the blocks: what a notification shows, and what
// a screen reader reads. It is escaped.
func Fallback(m reports.Message) string {
	text := clean(m.Title)
	if mark := m.Tone.Mark(); mark != "" {
		text = mark + " " + text
	}
	for keep := maxFallback; ; keep -= 10 {
		escaped := escape(clip(text, keep))
		if len([]rune(escaped)) <= maxFallback {
			return escaped
		}
	}
}

// escape disarms the three characters that mean something in Slack's text.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// full is the load of a message that just fits.
const full = 1000

// load says how full a message is, in thousandths of the nearest limit.
func (c *composer) load() int {
	load := max(ratio(len(c.blocks), maxBlocks), ratio(c.units, maxUnits))
	if load > full {
		return load // encoding is the slow part
	}
	encoded, err := json.Marshal(c.blocks)
	if err != nil {
		return full + 1 // cannot happen: the blocks are strings and numbers
	}
	return max(load, ratio(len(encoded), maxJSON))
}

// ratio rounds up, so that one unit too many is seen.
func ratio(n, limit int) int { return (n*full + limit - 1) / limit }

// clean drops what no text of ours has and a foreign one may: control
// characters, which Slack refuses or shows as boxes, turns of the direction of
// writing, and broken UTF-8.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// clip shortens to n runes, the last being an ellipsis.
func clip(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

// Limits of buttons. Slack takes 25 in a row and 75 characters in each; five
// a row is what a phone shows without folding. More than maxButtons would eat
// the room of the text: what they stand for can be typed.
const (
	buttonsPerRow = 5
	maxButtons    = 20
	maxLabel      = 75 // runes
	maxID         = 64 // bytes; the journal's ids are shorter
)

// composer writes the blocks of one message and counts what it writes.
type composer struct {
	locale *i18n.Locale
	blocks []slackgo.Block
	units  int // UTF-16 code units of text
}

func compose(m reports.Message, locale *i18n.Locale) *composer {
	c := &composer{locale: locale}
	c.title(m)
	for _, s := range m.Sections {
		c.section(s)
	}
	if len(c.blocks) == 0 {
		c.richText(c.line(c.text("—"))) // Slack refuses a message without a text
	}
	c.buttons(m.Actions)
	return c
}

// title is a bold line and no header block: that one cuts at 150 characters,
// and a phone shows it in twice the size.
func (c *composer) title(m reports.Message) {
	title := clean(m.Title)
	if strings.TrimSpace(title) == "" {
		return
	}
	if mark := m.Tone.Mark(); mark != "" {
		c.richText(c.line(c.text(mark+" "), c.bold(title)))
		return
	}
	c.richText(c.line(c.bold(title)))
}

// section is one block: Slack puts a small gap between blocks.
func (c *composer) section(s reports.Section) {
	var parts []slackgo.RichTextElement
	heading, text := strings.TrimSpace(clean(s.Heading)), strings.TrimSpace(clean(s.Text))
	switch {
	case heading != "" && text != "":
		parts = append(parts, c.line(c.bold(heading), c.text("\n"+text)))
	case heading != "":
		parts = append(parts, c.line(c.bold(heading)))
	case text != "":
		parts = append(parts, c.line(c.text(text)))
	}
	if list := c.list(s.Items); list != nil {
		parts = append(parts, list)
	}
	if s.Left > 0 {
		more := c.locale.Say("list.more", i18n.Args{"N": s.Left})
		parts = append(parts, c.line(c.styled(more, slackgo.RichTextSectionTextStyle{Italic: true})))
	}
	if quote := strings.Trim(clean(s.Quote), "\n"); strings.TrimSpace(quote) != "" {
		parts = append(parts, &slackgo.RichTextPreformatted{
			Type:     slackgo.RTEPreformatted,
			Elements: []slackgo.RichTextSectionElement{c.text(quote)},
		})
	}
	if len(parts) > 0 {
		c.richText(parts...)
	}
}

// list is nil for no items.
func (c *composer) list(items []reports.Item) slackgo.RichTextElement {
	var lines []slackgo.RichTextElement
	for _, item := range items {
		text, note := strings.TrimSpace(clean(item.Text)), strings.TrimSpace(clean(item.Note))
		if text == "" {
			text, note = note, ""
		}
		if text == "" {
			continue
		}
		if mark := item.Tone.Mark(); mark != "" {
			text = mark + " " + text
		}
		if note != "" {
			text += " — " + note
		}
		lines = append(lines, c.line(c.text(text)))
	}
	if len(lines) == 0 {
		return nil
	}
	return slackgo.NewRichTextList(slackgo.RTEListBullet, 0, lines...)
}

// buttons come in rows. An action without an id is not stored, so that
// pressing it could mean nothing: it gets no button.
func (c *composer) buttons(actions []reports.Action) {
	var row []slackgo.BlockElement
	for n, action := range pressable(actions) {
		label := clip(strings.TrimSpace(clean(action.Label)), maxLabel)
		c.units += units(label)
		button := slackgo.NewButtonBlockElement("action-"+strconv.Itoa(n+1), action.ID,
			slackgo.NewTextBlockObject(slackgo.PlainTextType, label, false, false))
		if action.Danger {
			button.Style = slackgo.StyleDanger
		}
		if row = append(row, button); len(row) == buttonsPerRow {
			c.blocks = append(c.blocks, slackgo.NewActionBlock("", row...))
			row = nil
		}
	}
	if len(row) > 0 {
		c.blocks = append(c.blocks, slackgo.NewActionBlock("", row...))
	}
}

func pressable(actions []reports.Action) []reports.Action {
	var usable []reports.Action
	for _, a := range actions {
		label := strings.TrimSpace(clean(a.Label))
		if a.ID != "" && len(a.ID) <= maxID && label != "" && len(usable) < maxButtons {
			usable = append(usable, a)
		}
	}
	return usable
}

func (c *composer) richText(parts ...slackgo.RichTextElement) {
	c.blocks = append(c.blocks, slackgo.NewRichTextBlock("", parts...))
}

func (c *composer) line(words ...slackgo.RichTextSectionElement) *slackgo.RichTextSection {
	return slackgo.NewRichTextSection(words...)
}

func (c *composer) text(s string) slackgo.RichTextSectionElement {
	c.units += units(s)
	return slackgo.NewRichTextSectionTextElement(s, nil)
}

func (c *composer) bold(s string) slackgo.RichTextSectionElement {
	return c.styled(s, slackgo.RichTextSectionTextStyle{Bold: true})
}

func (c *composer) styled(s string, style slackgo.RichTextSectionTextStyle) slackgo.RichTextSectionElement {
	c.units += units(s)
	return slackgo.NewRichTextSectionTextElement(s, &style)
}

// units counts as JavaScript does, the strictest reading of "characters".
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
