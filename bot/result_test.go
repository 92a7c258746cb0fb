package bot_test

import (
	"testing"

	"domovoy/bot"
	"domovoy/i18n"
)

// Every result has a key of its own, and a text in every language.
func TestResults(t *testing.T) {
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, r := range bot.Results() {
		word := r.String()
		if word == "" || words[word] {
			t.Errorf("result %d has the word %q, which is empty or another's", r, word)
		}
		words[word] = true
		for _, language := range bundle.Languages() {
			if !bundle.Locale(language, nil).Has("audit.result." + word) {
				t.Errorf("%s has no audit.result.%s", language, word)
			}
		}
	}
}
