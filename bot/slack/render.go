package slack

import (
	"encoding/json"
	"strings"
	"unicode"

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
