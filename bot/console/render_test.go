package console

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"

	"domovoy/i18n"
	"domovoy/reports"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// catalogs are read once: they are the same for all tests.
var catalogs = sync.OnceValues(i18n.Load)

func bundle(tb testing.TB) *i18n.Bundle {
	tb.Helper()
	b, err := catalogs()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// samples are messages of every shape, as reports would write them.
func samples() map[string]reports.Message {
	return map[string]reports.Message{
		"alert.ru": {
			Language: "ru", Tone: reports.ToneBad,
			Title: "isp1: выпускается сразу 127 сертификатов (порог 100)",
			Sections: []reports.Section{
				{Text: "Час назад было 14. Похоже на массовый перевыпуск: 118 из 127 начаты после 13:58.\nЛимит Let's Encrypt на новые заказы — 300 за 3\u00a0часа: использовано 212."},
				{Heading: "Что делать", Text: "остановить перевыпуск; новые сайты до ~17:30 сертификат не получат."},
			},
			Actions: []reports.Action{
				{Label: "Взять", Command: "ack 7"},
				{Label: "Тише на 1 ч", Command: "silence 7 1h"},
				{Label: "Список", Command: "list processing"},
			},
		},
		"check.en": {
			Language: "en", Tone: reports.ToneUnknown,
			Title: "пример.рф (xn--e1afmkfd.xn--p1ai): could not be told",
			Sections: []reports.Section{
				{
					Heading: "Seen",
					Items: []reports.Item{
						{Text: "A 198.51.100.7", Note: "should be 203.0.113.10"},
						{Tone: reports.ToneWarning, Text: "IPv6", Note: "none"},
						{Text: "CAA allows the CA"},
					},
					Left: 2,
				},
				{Text: "The last words of the CA:", Quote: "Invalid response from http://example.ru/.well-known/acme-challenge/x: 404\n\x1b[31m<html>\u202e"},
			},
		},
		"digest.ru": {
			Language: "ru",
			Title:    "Утро, 21 ноября · isp1, isp2 · 3\u00a0412 доменов",
			Sections: []reports.Section{{
				Heading: "С проблемами 96 (−14)",
				Items: []reports.Item{
					{Text: "указывают на чужой адрес", Note: "52"},
					{Text: "домен свободен или скоро освободится", Note: "19"},
					{Text: "не открывается порт 80", Note: "14"},
				},
			}},
		},
		"plan.en": {
			Language: "en", Tone: reports.ToneOver, Title: "Cancel authorizations, isp1",
			Sections: []reports.Section{{Text: "14 are pending."}},
			Actions:  []reports.Action{{Label: "Cancel 14", Command: "confirm 7f3a", Danger: true}, {Label: "Leave them"}},
		},
		"empty.en": {Language: "en"},
	}
}

// TestRender compares every sample, at each width and in colour, with its
// section of one archive.
func TestRender(t *testing.T) {
	texts := bundle(t)
	var all txtar.Archive
	for _, name := range slices.Sorted(maps.Keys(samples())) {
		for _, look := range []struct {
			name   string
			width  int
			colour bool
		}{{"80", 80, false}, {"36", 36, false}, {"colour", 0, true}} {
			got := Render(samples()[name], texts, look.width, look.colour)
			checkWidth(t, got, look.width)
			all.Files = append(all.Files, txtar.File{Name: name + "." + look.name, Data: []byte(visible(got))})
		}
	}
	compare(t, filepath.Join("testdata", "render.txtar"), txtar.Format(&all))
}

// visible shows escape sequences in golden files.
func visible(s string) string { return strings.ReplaceAll(s, "\x1b", "␛") }

func compare(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if lines := diff.Diff(golden, want, "got", got); lines != nil {
		t.Errorf("-update writes the golden file:\n%s", lines)
	}
}

// checkWidth lets a line stick out only when it is one long word.
func checkWidth(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if width > 0 && columns(line) > width && strings.Contains(strings.TrimLeft(line, " │•"), " ") {
			t.Errorf("%d columns, more than %d: %q", columns(line), width, line)
		}
	}
}

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "пример": 6, "🔴": 2, "⚪ ok": 5, "é": 1, "漢字": 4, "•": 1} {
		if got := columns(s); got != want {
			t.Errorf("columns(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestNothingForeignMovesTheCursor(t *testing.T) {
	evil := "a\x1b[2J\u009b1m\rb\x07\u202ec"
	m := reports.Message{
		Title:    evil,
		Sections: []reports.Section{{Heading: evil, Text: evil, Quote: evil, Items: []reports.Item{{Text: evil, Note: evil}}}},
		Actions:  []reports.Action{{Label: evil, Command: evil}},
	}
	if got := Render(m, bundle(t), 80, false); strings.ContainsAny(got, "\x1b\u009b\r\x07\u202e") {
		t.Errorf("control characters came through: %q", got)
	}
}

func FuzzRender(f *testing.F) {
	texts := bundle(f)
	f.Add("Заголовок title", "текст 漢字 text", "note", 20)
	f.Fuzz(func(t *testing.T, title, text, note string, width int) {
		m := reports.Message{Title: title, Sections: []reports.Section{{
			Text: text, Quote: note, Items: []reports.Item{{Text: text, Note: note}, {Text: note}},
		}}}
		got := Render(m, texts, width%200, false)
		if !strings.HasSuffix(got, "\n") {
			t.Errorf("no line feed at the end of %q", got)
		}
		// Wrapping loses nothing but spaces.
		squeeze := func(s string) string {
			return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\n' }), "")
		}
		if !strings.Contains(squeeze(got), squeeze(clean(text))) {
			t.Errorf("%q lost in %q", text, got)
		}
	})
}

func ExampleRender() {
	texts, err := catalogs()
	if err != nil {
		panic(err)
	}
	fmt.Print(Render(reports.Message{
		Language: "en", Tone: reports.ToneWarning, Title: "isp1: 60 certificates are being issued",
		Sections: []reports.Section{{Items: []reports.Item{{Text: "shop.ru", Note: "client1"}, {Text: "example.ru", Note: "client17"}}}},
		Actions:  []reports.Action{{Label: "Take", Command: "ack 7"}},
	}, texts, 60, false))
	// Output:
	// 🟠 isp1: 60 certificates are being issued
	//   • shop.ru      client1
	//   • example.ru   client17
	//   [1] Take   ack 7
}

// A line breaks between words; a long one, such as a link, stays whole.
func TestWrap(t *testing.T) {
	for text, want := range map[string]string{
		"one two three":         "one two\nthree",
		"https://example/x y z": "https://example/x\ny z",
		"раз два три":           "раз два\nтри",
		"short\nlines":          "short\nlines",
	} {
		if got := Wrap(text, 8); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
