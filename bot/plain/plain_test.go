package plain_test

import (
	"strings"
	"testing"

	"domovoy/bot/plain"
	"domovoy/i18n"
	"domovoy/reports"
)

func TestText(t *testing.T) {
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	m := reports.Message{Language: "ru", Tone: reports.ToneBad, Title: "isp1:\r\nBcc: a@b.ru\x00", Sections: []reports.Section{
		{Text: "Час назад было 14.\x1b[31m"},
		{Heading: "Причины", Items: []reports.Item{{Text: "web.timeout", Note: "40"}, {Tone: reports.ToneWarning, Note: "прочее"}, {}}, Left: 3},
		{},
		{Quote: "<html>\r\n\u202egarbled</html>"},
	}, Actions: []reports.Action{{Label: "Взять", Command: "ack 7"}}}
	if got, want := plain.Marked(m), "🔴 isp1: Bcc: a@b.ru"; got != want {
		t.Errorf("the title is %q, want %q", got, want)
	}
	want := "Час назад было 14.[31m\n\nПричины\n• web.timeout — 40\n🟠 прочее\n…и ещё 3\n\n> <html>\n> garbled</html>"
	if got := plain.Text(bundle, m); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestLongText: a list of twenty thousand sites is cut, and says how many
// are left out.
func TestLongText(t *testing.T) {
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	m := reports.Message{Language: "en", Sections: []reports.Section{{Items: make([]reports.Item, 20_000)}}}
	for i := range m.Sections[0].Items {
		m.Sections[0].Items[i].Text = "xn--e1afmkfd.xn--p1ai"
	}
	text := plain.Text(bundle, m)
	if len(text) > 64<<10 || !strings.Contains(text, "more") {
		t.Errorf("%d bytes, ending in %q", len(text), text[len(text)-40:])
	}
}
