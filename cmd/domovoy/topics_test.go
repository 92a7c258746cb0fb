package main

import (
	"strings"
	"testing"

	"domovoy/checks"
	"domovoy/cmd/internal/manual"
)

// "help CODE" needs no figures of a site, whatever the code.
func TestHelpOfEveryCode(t *testing.T) {
	for _, language := range []string{"en", "ru"} {
		p := &program{own: bundled(t).Locale(language, nil), env: func(string) (string, bool) { return "", false }}
		for _, code := range checks.Codes() {
			text := p.code(code)
			if strings.Contains(text, "⟨") || strings.Contains(text, "<no value>") {
				t.Errorf("%s %s: an argument is missing:\n%s", language, code, text)
			}
			if !strings.Contains(strings.Join(strings.Fields(text), " "), p.own.Say("who."+string(code.Who()))) {
				t.Errorf("%s %s does not say who acts:\n%s", language, code, text)
			}
		}
	}
}

// A topic is not hidden behind a command or a code of the same name.
func TestTopicsHaveNamesOfTheirOwn(t *testing.T) {
	p := &program{own: bundled(t).Locale("en", nil), bundle: bundled(t), env: func(string) (string, bool) { return "", false }}
	root := p.root()
	m, err := manual.Load("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range m.Topics {
		if c, _, err := root.Find([]string{topic.Name}); err == nil && c.HasParent() {
			t.Errorf("%s is a topic and a command", topic.Name)
		}
		if topic.Name == topics {
			t.Errorf("%s is the word for the list", topic.Name)
		}
	}
}
