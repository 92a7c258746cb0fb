package slack

import (
	"encoding/json"
	"slices"
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
const maxFallback = 300 // UTF-16 code units

// Render returns a message as blocks within all limits of Slack, shortened by
// reports.Fit.
func Render(m reports.Message, bundle *i18n.Bundle) []slackgo.Block {
	locale, known := bundle.Locale(m.Language, nil), newReader()
	m = reports.Fit(m, full, func(m reports.Message) int { return compose(m, locale, known).load() })
	return compose(m, locale, known).blocks
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
		if units(escaped) <= maxFallback {
			return escaped
		}
	}
}

// escaper is made once: that costs more than a message's use of it.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape escapes the three special characters of mrkdwn.
func escape(s string) string { return escaper.Replace(s) }

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
		case ' ' <= r && r <= '~', r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// clip shortens a text to n UTF-16 code units, the strictest reading of "characters";
// the last one is then an ellipsis.
func clip(s string, n int) string {
	if units(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		if used += utf16.RuneLen(r); used > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// Limits of buttons. Slack allows 25 in a row and 75 characters in each
// (https://docs.slack.dev/reference/block-kit/blocks/actions-block); a phone shows
// five in a row without folding them. More than maxButtons would take the room of
// the text; their commands can be typed instead.
const (
	buttonsPerRow = 5
	maxButtons    = 50 // with the entries of menus
	maxLabel      = 75 // UTF-16 code units
	maxID         = 64 // bytes; the journal's ids are shorter
	maxURL        = 3000
)

// composer builds the blocks of one message and counts their text.
type composer struct {
	locale *i18n.Locale
	blocks []slackgo.Block
	units  int // UTF-16 code units of text
	known  *reader
}

func compose(m reports.Message, locale *i18n.Locale, known *reader) *composer {
	c := &composer{locale: locale, known: known}
	c.title(m)
	for _, s := range m.Sections {
		c.section(s)
	}
	if len(c.blocks) == 0 {
		c.richText(c.line(c.text("—"))) // Slack refuses a message without a text
	}
	c.addButtons(m.Actions)
	return c
}

// addButtons adds the rows of buttons, which are the same however short the text is.
func (c *composer) addButtons(actions []reports.Action) {
	if c.known.rows == nil {
		c.known.rows = &composer{locale: c.locale}
		c.known.rows.buttons(actions)
	}
	c.blocks = append(c.blocks, c.known.rows.blocks...)
	c.units += c.known.rows.units
}

// title adds a bold line, not a header block: Slack cuts a header at 150 characters,
// and phones show it at twice the size.
func (c *composer) title(m reports.Message) {
	title := clean(m.Title)
	if strings.TrimSpace(title) == "" {
		return
	}
	words := c.words(title, true)
	if mark := m.Tone.Mark(); mark != "" {
		words = append([]slackgo.RichTextSectionElement{c.text(mark + " ")}, words...)
	}
	c.richText(c.line(words...))
}

// section adds one block, since Slack shows a small gap between blocks.
func (c *composer) section(s reports.Section) {
	if s.Folded {
		c.context(s)
		return
	}
	var parts []slackgo.RichTextElement
	heading, text := strings.TrimSpace(clean(s.Heading)), strings.TrimSpace(clean(s.Text))
	switch {
	case heading != "" && text != "":
		parts = append(parts, c.line(append(c.words(heading, true), c.words("\n"+text, false)...)...))
	case heading != "":
		parts = append(parts, c.line(c.words(heading, true)...))
	case text != "":
		parts = append(parts, c.line(c.words(text, false)...))
	}
	if list := c.list(s.Items); list != nil {
		parts = append(parts, list)
	}
	if s.Left > 0 {
		parts = append(parts, c.line(c.styled(c.more(s.Left), slackgo.RichTextSectionTextStyle{Italic: true})))
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

// more says how many items are left out.
func (c *composer) more(n int) string { return c.locale.Say("list.more", i18n.Args{"N": n}) }

// maxContext limits a text in a context block.
// https://docs.slack.dev/reference/block-kit/composition-objects/text-object
const maxContext = 3000 // UTF-16 code units

// context adds a folded section in small grey letters. They are plain, because
// nothing can be escaped in mrkdwn but three characters.
func (c *composer) context(s reports.Section) {
	var lines []string
	add := func(text string) {
		if text = strings.TrimSpace(clean(text)); text != "" {
			lines = append(lines, text)
		}
	}
	add(s.Heading)
	add(s.Text)
	for _, item := range s.Items {
		add(c.known.text(item))
	}
	if s.Left > 0 {
		add(c.more(s.Left))
	}
	add(s.Quote)
	if len(lines) == 0 {
		return
	}
	text := clip(strings.Join(lines, "\n"), maxContext)
	c.units += units(text)
	c.blocks = append(c.blocks, slackgo.NewContextBlock("", slackgo.NewTextBlockObject(slackgo.PlainTextType, text, false, false)))
}

// itemText is the text of an item behind its mark and before its note.
func itemText(item reports.Item) string {
	text, note := strings.TrimSpace(clean(item.Text)), strings.TrimSpace(clean(item.Note))
	if text == "" {
		text, note = note, ""
	}
	if text == "" {
		return ""
	}
	if mark := item.Tone.Mark(); mark != "" {
		text = mark + " " + text
	}
	if note != "" {
		text += " — " + note
	}
	return text
}

// list returns nil when there are no items. It is no table block, of which a message
// can have one: on a phone a table scrolls sideways, so that the cause would be out of
// sight, and who wants columns has the file. One with marks is lines, because Slack
// would show a bullet before each mark.
func (c *composer) list(items []reports.Item) slackgo.RichTextElement {
	var rows []slackgo.RichTextElement
	var lines []string
	marked := false
	for _, item := range items {
		text := c.known.text(item)
		if text == "" {
			continue
		}
		if item.Tone.Mark() == "" {
			lines = append(lines, "• "+text)
		} else {
			lines, marked = append(lines, text), true
		}
	}
	switch {
	case len(lines) == 0:
		return nil
	case marked:
		return c.line(c.elements(c.known.lines(lines), false)...)
	}
	for _, text := range lines {
		rows = append(rows, c.line(c.words(strings.TrimPrefix(text, "• "), false)...))
	}
	if first := numbered(items); first > 0 {
		list := slackgo.NewRichTextList(slackgo.RTEListOrdered, 0, rows...)
		list.Offset = first - 1
		return list
	}
	return slackgo.NewRichTextList(slackgo.RTEListBullet, 0, rows...)
}

// numbered is the number of the first item, if those of all follow it one by one; 0: they
// do not.
func numbered(items []reports.Item) int {
	for n, item := range items {
		if item.Row == 0 || item.Row != items[0].Row+n {
			return 0
		}
	}
	return items[0].Row
}

// Limits of menus and dialogs.
// https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element,
// https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
const (
	maxMenu         = 5   // entries
	maxConfirmTitle = 100 // UTF-16 code units
	maxConfirmText  = 300 // UTF-16 code units
	maxConfirmLabel = 30  // runes
)

// buttons adds rows of buttons. It leaves out actions without an id, which could not
// be identified when pressed. The rare ones, and those beyond what a phone shows at
// once, stand in a menu at the end of a row, if there are two of them at least; what
// the rows of a list offer is one choice.
func (c *composer) buttons(actions []reports.Action) {
	var often, rare, rows []reports.Action
	for _, a := range pressable(actions) {
		switch plain := !a.Danger && a.URL == ""; {
		case a.Row != 0:
			rows = append(rows, a)
		case plain && (a.Rare || len(often) >= reports.ButtonsMost):
			rare = append(rare, a)
		default:
			often = append(often, a)
		}
	}
	if len(rare) == 1 {
		often, rare = append(often, rare...), nil
	}
	if len(rows) > 0 {
		c.blocks = append(c.blocks, slackgo.NewActionBlock("", c.choice("rows", "slack.rows", rows)))
	}
	var elements []slackgo.BlockElement
	for n, action := range often {
		elements = append(elements, c.button(n, action))
	}
	switch {
	case len(rare) > maxMenu:
		elements = append(elements, c.choice("menu", "slack.more", rare))
	case len(rare) > 0:
		elements = append(elements, c.menu(rare))
	}
	for row := range slices.Chunk(elements, buttonsPerRow) {
		c.blocks = append(c.blocks, slackgo.NewActionBlock("", row...))
	}
}

// opens begins the action_id of a button with a URL. Slack tells of its press too.
const opens = "open-"

// button is a button; one that carries something out asks once more.
func (c *composer) button(n int, action reports.Action) *slackgo.ButtonBlockElement {
	label := c.label(action)
	button := slackgo.NewButtonBlockElement("action-"+strconv.Itoa(n+1), action.ID, label)
	if action.URL != "" {
		button.ActionID, button.Value, button.URL = opens+strconv.Itoa(n+1), "", action.URL
	}
	if action.Danger {
		say := func(key string, most int) *slackgo.TextBlockObject {
			text := clip(c.locale.Say("slack.confirm."+key, i18n.Args{"Label": label.Text}), most)
			c.units += units(text)
			return slackgo.NewTextBlockObject(slackgo.PlainTextType, text, false, false)
		}
		button.Style = slackgo.StyleDanger
		button.Confirm = slackgo.NewConfirmationBlockObject(
			say("title", maxConfirmTitle), say("text", maxConfirmText), say("yes", maxConfirmLabel), say("no", maxConfirmLabel))
	}
	return button
}

// menu is a menu of actions, at most maxMenu.
func (c *composer) menu(actions []reports.Action) *slackgo.OverflowBlockElement {
	return slackgo.NewOverflowBlockElement("menu", c.options(actions)...)
}

// choice is a menu of more actions under a text, in which one can also search.
func (c *composer) choice(id, key string, actions []reports.Action) *slackgo.SelectBlockElement {
	text := c.locale.Say(key)
	c.units += units(text)
	return slackgo.NewOptionsSelectBlockElement(slackgo.OptTypeStatic, slackgo.NewTextBlockObject(slackgo.PlainTextType, text, false, false), id, c.options(actions)...)
}

func (c *composer) options(actions []reports.Action) []*slackgo.OptionBlockObject {
	options := make([]*slackgo.OptionBlockObject, len(actions))
	for i, a := range actions {
		options[i] = slackgo.NewOptionBlockObject(a.ID, c.label(a), nil)
	}
	return options
}

func (c *composer) label(a reports.Action) *slackgo.TextBlockObject {
	label := clip(strings.TrimSpace(clean(a.Label)), maxLabel)
	c.units += units(label)
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, label, false, false)
}

// pressable are the actions that can be identified when pressed, or open a URL.
func pressable(actions []reports.Action) []reports.Action {
	var usable []reports.Action
	for _, a := range actions {
		label := strings.TrimSpace(clean(a.Label))
		known := a.ID != "" && len(a.ID) <= maxID || a.URL != "" && len(a.URL) <= maxURL
		if known && label != "" && len(usable) < maxButtons {
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

// words are a text with its names as code, as in the other messengers.
func (c *composer) words(s string, bold bool) []slackgo.RichTextSectionElement {
	return c.elements(c.known.spans(s), bold)
}

func (c *composer) elements(spans []reports.Span, bold bool) []slackgo.RichTextSectionElement {
	var elements []slackgo.RichTextSectionElement
	for _, span := range spans {
		if !bold && !span.Name {
			elements = append(elements, c.text(span.Text))
			continue
		}
		elements = append(elements, c.styled(span.Text, slackgo.RichTextSectionTextStyle{Bold: bold, Code: span.Name}))
	}
	return elements
}

func (c *composer) styled(s string, style slackgo.RichTextSectionTextStyle) slackgo.RichTextSectionElement {
	c.units += units(s)
	return slackgo.NewRichTextSectionTextElement(s, &style)
}

// units counts UTF-16 code units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
