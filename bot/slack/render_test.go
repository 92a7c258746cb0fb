package slack

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"

	"domovoy/i18n"
	"domovoy/reports"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRender(t *testing.T) {
	texts := bundle(t)
	for name, m := range samples() {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(map[string]any{
				"text":   Fallback(m),
				"blocks": Render(m, texts),
			}, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append([]byte(readable(string(got))), '\n')
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("blocks differ from %s (-want +got):\n%s", golden, diff)
			}
		})
	}
}

// readable undoes the escapes that encoding/json adds for HTML.
func readable(s string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(s)
}

func TestRenderCountsWhatIsLeftOut(t *testing.T) {
	m := reports.Message{Language: "ru", Title: "Список"}
	var items []reports.Item
	for range 3000 {
		items = append(items, reports.Item{Text: "пример.рф (xn--e1afmkfd.xn--p1ai)"})
	}
	m.Sections = []reports.Section{{Items: items}}
	encoded, err := json.Marshal(Render(m, bundle(t)))
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Count(string(encoded), "пример.рф")
	more := bundle(t).Locale("ru", nil).Say("list.more", i18n.Args{"N": 3000 - shown})
	if shown < 50 || !strings.Contains(string(encoded), more) {
		t.Errorf("%d of 3000 items shown, %q is not there:\n%.400s", shown, more, encoded)
	}
}

func TestFallbackStaysShort(t *testing.T) {
	for _, title := range []string{strings.Repeat("<&>", 400), strings.Repeat("ы", 400), "short"} {
		got := Fallback(reports.Message{Tone: reports.ToneBad, Title: title})
		if n := len([]rune(got)); n > maxFallback {
			t.Errorf("Fallback(%.9s…) has %d runes, more than %d", title, n, maxFallback)
		}
		if strings.ContainsAny(got, "<>") {
			t.Errorf("Fallback(%.9s…) is not escaped: %s", title, got)
		}
	}
}

func FuzzRender(f *testing.F) {
	texts := bundle(f)
	for name, m := range samples() {
		if name == "long.ru" {
			continue // too slow to mutate
		}
		seed, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed, uint16(1))
	}
	f.Add([]byte(`{"title":"<&>","sections":[{"quote":"\u0000\u2028"}]}`), uint16(9000))
	f.Fuzz(func(t *testing.T, raw []byte, times uint16) {
		var m reports.Message
		if json.Unmarshal(raw, &m) != nil || len(m.Sections) > 20 {
			t.Skip()
		}
		// Long texts are what the limits are about, and a fuzzer rarely finds
		// them.
		stretch := func(s string) string { return strings.Repeat(s, 1+int(times)%(1+9000/(1+len(s)))) }
		m.Title = stretch(m.Title)
		for i := range m.Sections {
			m.Sections[i].Text, m.Sections[i].Quote = stretch(m.Sections[i].Text), stretch(m.Sections[i].Quote)
		}
		checkLimits(t, Render(m, texts))
		if n := len([]rune(Fallback(m))); n > maxFallback {
			t.Errorf("the fallback has %d runes", n)
		}
	})
}

// checkLimits measures the JSON that is sent to Slack, without using the
// renderer's code.
func checkLimits(t *testing.T, blocks []slackgo.Block) {
	t.Helper()
	encoded, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) == 0 || len(blocks) > 50 {
		t.Errorf("%d blocks", len(blocks))
	}
	if len(encoded) > 14<<10 {
		t.Errorf("%d bytes of JSON", len(encoded))
	}
	var decoded []any
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	total := walk(decoded, func(o map[string]any) {
		text, _ := o["text"].(string)
		if o["type"] == "text" && text == "" {
			t.Error("an empty text element")
		}
		if o["type"] == "plain_text" && (text == "" || len([]rune(text)) > 3000) {
			t.Errorf("a text of %d runes", len([]rune(text)))
		}
		if label, _ := o["text"].(map[string]any); label != nil && len([]rune(label["text"].(string))) > 75 {
			t.Errorf("a label of %d runes", len([]rune(label["text"].(string))))
		}
		if id, ok := o["action_id"].(string); ok && ids[id] {
			t.Errorf("action_id %s twice", id)
		} else if ok {
			ids[id] = true
		}
		if row, ok := o["elements"].([]any); ok && len(row) == 0 {
			t.Errorf("an empty %v", o["type"])
		} else if o["type"] == "actions" && len(row) > 5 {
			t.Errorf("%d buttons in a row", len(row))
		}
	})
	if total > 8000 {
		t.Errorf("%d characters of text", total)
	}
}

// walk calls visit for every object and counts the runes of all texts.
func walk(node any, visit func(map[string]any)) int {
	total := 0
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			total += walk(child, visit)
		}
	case map[string]any:
		visit(node)
		if text, ok := node["text"].(string); ok {
			total += len([]rune(text))
		}
		for _, child := range node {
			total += walk(child, visit)
		}
	}
	return total
}
