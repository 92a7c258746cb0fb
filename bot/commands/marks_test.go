package commands_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"domovoy/i18n"
	"domovoy/reports"
)

// markedBundle has the program's catalogs with a mark around each argument: the
// text "{{.N}} new" of the key daily.moved becomes "⟦daily.moved.N=2⟧ new". A test
// then sees which text each number of a message comes from. Digits that stand in
// the catalogs themselves, such as "24 hours", become letters.
func markedBundle(t *testing.T) *i18n.Bundle {
	t.Helper()
	folder := filepath.Join("..", "..", "i18n")
	marked := fstest.MapFS{}
	for _, language := range i18n.Languages() {
		text, err := os.ReadFile(filepath.Join(folder, language+".toml"))
		if err != nil {
			t.Fatal(err)
		}
		marked[language+".toml"] = &fstest.MapFile{Data: []byte(markCatalog(string(text)))}
	}
	bundle, err := i18n.LoadFS(marked)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

var (
	tableLine = regexp.MustCompile(`^\["?([^"\]]+)"?\]$`)
	textLine  = regexp.MustCompile(`^"?([^"= ]+)"? = "(.*)"$`)
	argument  = regexp.MustCompile(`\{\{[^}]*\}\}`)
	plainArg  = regexp.MustCompile(`^\{\{\.(\w+)\}\}$`)
	digits    = regexp.MustCompile(`[0-9]`)
)

func markCatalog(catalog string) string {
	table := ""
	lines := strings.Split(catalog, "\n")
	for i, line := range lines {
		if m := tableLine.FindStringSubmatch(line); m != nil {
			table = m[1]
			continue
		}
		m := textLine.FindStringSubmatch(line)
		if m == nil || table == "words" || table == "files.format" {
			continue
		}
		key := table + "." + m[1]
		switch m[1] {
		case "one", "few", "many", "other":
			key = table
		}
		lines[i] = line[:strings.Index(line, " = ")] + ` = "` + markText(key, m[2]) + `"`
	}
	return strings.Join(lines, "\n")
}

func markText(key, text string) string {
	var out strings.Builder
	for text != "" {
		at := argument.FindStringIndex(text)
		if at == nil {
			at = []int{len(text), len(text)}
		}
		out.WriteString(digits.ReplaceAllString(text[:at[0]], "x"))
		arg := text[at[0]:at[1]]
		if m := plainArg.FindStringSubmatch(arg); m != nil {
			arg = "⟦" + key + "." + m[1] + "=" + arg + "⟧"
		}
		out.WriteString(arg)
		text = text[at[1]:]
	}
	return out.String()
}

// mark is an argument of a text, as a message has it.
type mark struct {
	key  string // daily.moved.N
	text string // without the marks within
}

// marks are those of a text in order, inner ones first, and the text outside of them.
func marks(text string) (all []mark, outside string) {
	type open struct{ text strings.Builder }
	stack := []*open{{}}
	for text != "" {
		at := strings.IndexAny(text, "⟦⟧")
		if at < 0 {
			at = len(text)
		}
		stack[len(stack)-1].text.WriteString(text[:at])
		switch text = text[at:]; {
		case strings.HasPrefix(text, "⟦"):
			stack, text = append(stack, &open{}), text[len("⟦"):]
		case strings.HasPrefix(text, "⟧"):
			key, value, _ := strings.Cut(stack[len(stack)-1].text.String(), "=")
			stack, text = stack[:len(stack)-1], text[len("⟧"):]
			all = append(all, mark{key, value})
		}
	}
	return all, stack[0].text.String()
}

// allText is everything that a person reads of a message, in order.
func allText(m reports.Message) []string {
	texts := []string{m.Title}
	for _, s := range m.Sections {
		texts = append(texts, s.Heading, s.Text)
		for _, i := range s.Items {
			texts = append(texts, i.Text, i.Note)
		}
	}
	return texts
}
