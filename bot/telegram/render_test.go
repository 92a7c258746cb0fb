package telegram

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"

	"domovoy/reports"
)

var writeGolden = flag.Bool("update", false, "rewrite the golden file")

// samples are messages of every shape.
func samples() map[string]reports.Message {
	return map[string]reports.Message{
		"alert.ru": {
			Language: "ru", Tone: reports.ToneBad,
			Title: "isp1: выпускается сразу 127 сертификатов (порог 100)",
			Sections: []reports.Section{
				{Text: "Час назад было 14. Похоже на массовый перевыпуск: 118 из 127 начаты после 13:58.\nЛимит Let's Encrypt на новые заказы — 300 за 3 часа."},
				{Heading: "Что делать", Text: "остановить перевыпуск"},
			},
		},
		"over.en":    {Language: "en", Tone: reports.ToneOver, Title: "isp1: the mass re-issue is over — 2 h 41 min, peak 163"},
		"unknown.en": {Language: "en", Tone: reports.ToneUnknown, Title: "client.ru: could not be told", Sections: []reports.Section{{}}},
		"list.ru": {
			Language: "ru", Title: "С проблемами 96 (−14)",
			Sections: []reports.Section{{
				Heading: "Указывают на чужой адрес",
				Items: []reports.Item{
					{Text: "пример.рф (xn--e1afmkfd.xn--p1ai)", Note: "Beget, с 3 октября"},
					{Text: "shop.ru"},
					{Tone: reports.ToneBad, Text: "client.ru", Note: "истёк вчера"},
					{Note: "и только примечание"},
					{},
				},
				Left: 1234,
			}},
		},
		"quote.en": {
			Language: "en", Tone: reports.ToneWarning, Title: "client.ru — points to another address",
			Sections: []reports.Section{
				{Text: "Panel: 41 failures in a row.", Quote: `Invalid response from <http://client.ru/.well-known>: "404" & more`},
				{Heading: "Log", Quote: "line one\r\n\tline two\n\n\n\nline three"},
			},
		},
		"folded.ru": {
			Language: "ru", Tone: reports.ToneBad, Title: "client.ru — указывает на чужой адрес",
			Sections: []reports.Section{
				{Text: "A 198.51.100.7 (Beget), должно быть 203.0.113.10."},
				{Folded: true, Text: "Последняя ошибка, сегодня в 04:12:", Quote: "line <one>\nline two"},
				{Folded: true, Items: []reports.Item{{Text: "Сертификат: client.ru_le3 (E7, 90 дней)"}}, Left: 2},
				{Folded: true},
				{Text: "Это под раскрытым."},
				{Folded: true, Heading: "И снова", Text: "в конце"},
			},
		},
		"hostile.en": {
			Language: "en", Title: "  <b>bold</b> &amp; \x00\x1b[31m\u202Eexe.txt\nsecond\tline\xff ",
			Sections: []reports.Section{{Items: []reports.Item{{Text: "a\nb", Note: "</b><script>"}}, Quote: "</code>"}},
		},
		"empty.en": {Language: "en", Title: " \n\u202E"},
	}
}

// TestRender compares every sample with its section of one archive.
func TestRender(t *testing.T) {
	bundle := loadBundle(t)
	var all txtar.Archive
	for _, name := range slices.Sorted(maps.Keys(samples())) {
		got := Render(bundle, samples()[name])
		if _, err := visible(got); err != nil {
			t.Errorf("%s: broken HTML: %v", name, err)
		}
		all.Files = append(all.Files, txtar.File{Name: name, Data: []byte(got + "\n")})
	}
	compare(t, filepath.Join("testdata", "render.txtar"), txtar.Format(&all))
}

func compare(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *writeGolden {
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

func TestRenderShortensByItems(t *testing.T) {
	m := reports.Message{Language: "ru", Title: "Список", Sections: []reports.Section{{Heading: "Домены"}}}
	for i := range 3000 {
		m.Sections[0].Items = append(m.Sections[0].Items, reports.Item{Text: fmt.Sprintf("домен-%04d.рф", i), Note: "сертификат истёк вчера в 04:12, владелец client17"})
	}
	text, err := visible(Render(loadBundle(t), m))
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Count(text, "\n• ")
	if n := units(text); n > maxText || n < maxText*3/4 {
		t.Errorf("length %d, want a little below %d", n, maxText)
	}
	if want := fmt.Sprintf("и ещё %s", grouped(3000-shown)); !strings.HasSuffix(text, want) {
		t.Errorf("the last line of %d shown items does not say %q: …%s", shown, want, text[len(text)-60:])
	}
}

// Short rows reach the limit of entities first: each name is one.
func TestRenderShortensByNames(t *testing.T) {
	m := reports.Message{Language: "ru", Title: "Список", Sections: []reports.Section{{Items: make([]reports.Item, 3000)}}}
	for i := range m.Sections[0].Items {
		m.Sections[0].Items[i].Text = fmt.Sprintf("d%04d.рф", i)
	}
	if n := strings.Count(Render(loadBundle(t), m), "<code>"); n > maxEntities || n < maxEntities*3/4 {
		t.Errorf("%d names, want a little below %d", n, maxEntities)
	}
}

func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d\u00a0%03d", n/1000, n%1000)
}

func TestRenderCountsEntities(t *testing.T) {
	m := reports.Message{Language: "en", Title: "Many"}
	for i := range 200 {
		m.Sections = append(m.Sections, reports.Section{Heading: fmt.Sprint(i)})
	}
	if n := strings.Count(Render(loadBundle(t), m), "<b>"); n > maxEntities || n < maxEntities-1 {
		t.Errorf("%d entities, want %d", n, maxEntities)
	}
}

func TestPlainHasNoMarkup(t *testing.T) {
	bundle := loadBundle(t)
	for name, m := range samples() {
		lines := compose(bundle, m)
		text, err := visible(markup(lines))
		if err != nil {
			t.Fatal(err)
		}
		if text != plain(lines) {
			t.Errorf("%s: plain %q, visible %q", name, plain(lines), text)
		}
		if units(text) != measure(lines, maxText) {
			t.Errorf("%s: measured %d, visible %d", name, measure(lines, maxText), units(text))
		}
	}
}

func FuzzRender(f *testing.F) {
	bundle := loadBundle(f)
	f.Add("Title", "Heading", "text", "quote", "note", uint16(3), int64(2))
	f.Add("🔴<&>", "\x00", strings.Repeat("слово ", 800), strings.Repeat("😀", 900), "\u202E", uint16(900), int64(-1))
	f.Add("", "", "", "", "", uint16(0), int64(0))
	f.Fuzz(func(t *testing.T, title, heading, text, quote, note string, n uint16, left int64) {
		m := reports.Message{Language: "ru", Tone: reports.ToneBad, Title: title}
		for i := range n % 40 {
			s := reports.Section{Heading: heading, Text: text, Quote: quote, Left: int(left), Folded: i%3 != 0}
			for range n % 300 / (i + 1) {
				s.Items = append(s.Items, reports.Item{Text: title, Note: note})
			}
			m.Sections = append(m.Sections, s)
		}
		shown, err := visible(Render(bundle, m))
		if err != nil {
			t.Fatalf("broken HTML: %v", err)
		}
		if length := units(shown); length > maxText {
			t.Errorf("%d units", length)
		}
		if strings.TrimSpace(shown) == "" {
			t.Error("nothing to see")
		}
	})
}

var (
	tags       = regexp.MustCompile(`<(/?)(b|code|pre|blockquote)( expandable)?>`)
	references = strings.NewReplacer("&lt;", "\x01", "&gt;", "\x02", "&amp;", "\x03")
	characters = strings.NewReplacer("\x01", "<", "\x02", ">", "\x03", "&")
)

// visible is a small parser of the HTML used here, written from the API's page:
// balanced tags that are nested only in a quotation, three references, no unescaped
// characters.
func visible(html string) (string, error) {
	quoted, open := false, ""
	for _, tag := range tags.FindAllStringSubmatch(html, -1) {
		starts, quotes := tag[1] == "", tag[2] == "blockquote"
		switch {
		case open == "" && quotes && starts != quoted:
			quoted = starts
		case starts && open == "" && !quotes:
			open = tag[2]
		case !starts && open == tag[2]:
			open = ""
		default:
			return "", fmt.Errorf("tag %s inside of %q", tag[0], open)
		}
	}
	text := references.Replace(tags.ReplaceAllString(html, ""))
	if open != "" || quoted {
		return "", fmt.Errorf("%s is not closed", open)
	}
	if strings.ContainsAny(text, "<>&") {
		return "", errors.New("a bare <, > or &")
	}
	return characters.Replace(text), nil
}

func TestKeyboard(t *testing.T) {
	en := loadBundle(t).Locale("en", nil)
	long := strings.Repeat("ы", 100)
	var nine, rows []reports.Action
	for n := range 9 {
		nine = append(nine, reports.Action{ID: "a", Label: strings.Repeat(strconv.Itoa(n+1), 20)})
		rows = append(rows, reports.Action{ID: "r", Label: "21 · shop.ru", Row: 21 + n})
	}
	some := append([]reports.Action{{ID: "a", Label: "Take"}, {ID: "b", Label: "Hand", Rare: true}}, rows...)
	tests := []struct {
		name    string
		actions []reports.Action
		want    string // rows of labels
		page    int
	}{
		{"eight at once", nine[:8], labelsOf(nine[:8], "/"), 0},
		{"nine are two pages", nine, labelsOf(nine[:7], "/") + "/More …", 0},
		{"the second page", nine, labelsOf(nine[7:], "/") + "/More …", 1},
		{"after the last page comes the first", nine, labelsOf(nine[:7], "/") + "/More …", 2},
		{"rows stand side by side, rare ones on a later page", some, "21|22|23|24|25/26|27|28|29/Take|More …", 0},
		{"the rare ones", some, "21|22|23|24|25/26|27|28|29/Hand|More …", 1},
		{"none", nil, "", 0},
		{"not stored yet", []reports.Action{{Label: "Взять"}}, "", 0},
		{"short ones share a row", []reports.Action{{ID: "a", Label: "Взять"}, {ID: "b", Label: "Тише 1 ч"}, {ID: "c", Label: "Список"}}, "Взять|Тише 1 ч|Список", 0},
		{"four are two rows", []reports.Action{{ID: "a", Label: "1"}, {ID: "b", Label: "2"}, {ID: "c", Label: "3"}, {ID: "d", Label: "4"}}, "1|2|3/4", 0},
		{"middling ones in pairs", []reports.Action{{ID: "a", Label: "Quiet for 1 h"}, {ID: "b", Label: "List"}, {ID: "c", Label: "Take"}}, "Quiet for 1 h|List/Take", 0},
		{"a long one stands alone", []reports.Action{{ID: "a", Label: "ok"}, {ID: "b", Label: "Отменить 14 авторизаций"}}, "ok/Отменить 14 авторизаций", 0},
		{"a label is cut", []reports.Action{{ID: "a", Label: long}}, long[:63*2] + "…", 0},
		{"line breaks go, empty labels too", []reports.Action{{ID: "a", Label: "a\nb"}, {ID: "b", Label: " \n"}}, "a b", 0},
		{"an id too long", []reports.Action{{ID: strings.Repeat("x", 65), Label: "a"}}, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := labels(t, keyboard(en, reports.Message{Actions: tt.actions, More: "m", Page: tt.page})); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	one := func(a reports.Action) string { return keyboard(en, reports.Message{Actions: []reports.Action{a}}) }
	mustContain(t, one(reports.Action{ID: "a", Label: "Open", URL: "https://example.org/"}), `[[{"text":"Open","url":"https://example.org/"}]]`)
	danger := one(reports.Action{ID: "a", Label: "Cancel", Danger: true})
	mustContain(t, danger, `"style":"danger"`, `"callback_data":"a"`)
}

func labelsOf(actions []reports.Action, between string) string {
	var all []string
	for _, a := range actions {
		all = append(all, a.Label)
	}
	return strings.Join(all, between)
}

func labels(t *testing.T, markup string) string {
	t.Helper()
	if markup == "" {
		return ""
	}
	var keyboard struct {
		Rows [][]button `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(markup), &keyboard); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, row := range keyboard.Rows {
		var texts []string
		for _, b := range row {
			texts = append(texts, b.Text)
		}
		rows = append(rows, strings.Join(texts, "|"))
	}
	return strings.Join(rows, "/")
}
