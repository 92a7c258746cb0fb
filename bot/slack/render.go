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

// Limits of a message. Slack documents the number of blocks
// (https://docs.slack.dev/reference/block-kit/blocks); the other two limits are
// measured: 9,597 characters in 15.6 KB of JSON were accepted, 11,341 in 17.7 KB
// were refused with msg_blocks_too_long.
const (
	maxBlocks = 50
	maxUnits  = 8000     // UTF-16 code units of text in all blocks
	maxJSON   = 14 << 10 // bytes of the encoded blocks
)

// maxFallback limits the text beside the blocks to the length of a notification.
const maxFallback = 300 // runes

// Render returns a message as blocks within all limits of Slack, shortened by
// reports.Fit.
func Render(m reports.Message, bundle *i18n.Bundle) []slackgo.Block {
	locale := bundle.Locale(m.Language, nil)
	m = reports.Fit(m, full, func(m reports.Message) int { return compose(m, locale).load() })
	return compose(m, locale).blocks
}

// Fallback returns the text beside the blocks, which notifications show and screen
// readers read. It is escaped.
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

// escape escapes the three special characters of mrkdwn.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// full is the load of a message at the limit.
const full = 1000

// load is the size of a message in thousandths of the limit that it is closest to.
func (c *composer) load() int {
	load := max(ratio(len(c.blocks), maxBlocks), ratio(c.units, maxUnits))
	if load > full {
		return load // without the slow encoding
	}
	encoded, err := json.Marshal(c.blocks)
	if err != nil {
		return full + 1 // does not happen: the blocks are strings and numbers
	}
	return max(load, ratio(len(encoded), maxJSON))
}

// ratio rounds up, so that one unit too many is above full.
func ratio(n, limit int) int { return (n*full + limit - 1) / limit }

// clean removes from a text, which may come from strangers, control characters,
// which Slack refuses or shows as boxes, marks that change the writing direction,
// and invalid UTF-8.
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

// clip shortens a text to n runes, the last of which is then an ellipsis.
func clip(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

// Limits of buttons. Slack allows 25 in a row and 75 characters in each
// (https://docs.slack.dev/reference/block-kit/blocks/actions-block); a phone shows
// five in a row without folding them. More than maxButtons would take the room of
// the text; their commands can be typed instead.
const (
	buttonsPerRow = 5
	maxButtons    = 20
	maxLabel      = 75 // runes
	maxID         = 64 // bytes; the journal's ids are shorter
)

// composer builds the blocks of one message and counts their text.
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

// title adds a bold line, not a header block: Slack cuts a header at 150 characters,
// and phones show it at twice the size.
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

// section adds one block, since Slack shows a small gap between blocks.
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

// list returns nil when there are no items.
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

// buttons adds rows of buttons. It leaves out actions without an id, which could not
// be identified when pressed.
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

// units counts UTF-16 code units, the strictest reading of "characters".
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
