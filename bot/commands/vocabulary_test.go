package commands

import (
	"strings"
	"testing"

	"domovoy/i18n"
	"domovoy/reports"
)

// People type what they are used to: with or without a slash, in capitals, in
// Russian. An unknown word is left as typed.
func TestWordsAreUnderstood(t *testing.T) {
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	words := newVocabulary(new(Commands).List(), bundle)
	for typed, want := range map[string]string{
		"":                           "",
		"   ":                        "",
		"status":                     "status",
		"/status":                    "status",
		"/STATUS":                    "status",
		"  Статус  ":                 "status",
		"проверь Пример.РФ":          "check Пример.РФ",
		"check https://Shop.ru/cart": "check https://Shop.ru/cart",
		"список просроченные":        "list expired",
		"список истёкших":            "list expired",
		"список непродлённых":        "list overdue",
		"список с проблемами":        "list trouble",
		"Список НЕ В ПОРЯДКЕ стр 2":        "list trouble page 2",
		"список с проблем":                 "list с trouble",
		"список без https":                 "list nocertificate",
		"list nohttps":                     "list nocertificate",
		"list no\u2011redirect":            "list noredirect",
		"\u200b/check shop\u2011a.ru":      "check shop-a.ru",
		"\ufeffстатус":                     "status",
		"revoke authz all":                 "revoke authz all",
		"отозвать shop.ru":                 "revoke shop.ru",
		"Список ошибки владелец=client1*":  "list failed owner=client1*",
		"list failed Owner=Иван cause=DNS": "list failed owner=Иван cause=DNS",
		"список failed страница 2":         "list failed page 2",
		"покажи failed стр=2 файлом":       "list failed page=2 file",
		"почему shop.ru":                   "why shop.ru",
		"список новых":                     "list new",
		"list trouble cause=other":         "list trouble cause=rest",
		"список проблем причина=прочее старше=30д":  "list trouble cause=rest older=30д",
		"список звонки по клиентам неделя=2026-W46": "list call owners weekly=2026-W46",
		"отчёт ежедневный":                          "report daily",
		"отчет день":                                "report daily",
		"помощь проверь":                            "help check",
		"start":                                     "help", // what Telegram's button sends
		"confirm 7f3a":                              "confirm 7f3a",
		"list /failed":                              "list /failed",
		"check a=b=c":                               "check a=b=c",
	} {
		said := words.parse(typed)
		if got := strings.Join(append([]string{said.name}, said.words...), " "); got != want {
			t.Errorf("%q is understood as %q, want %q", typed, got, want)
		}
	}
}

// A word with two meanings would make one of them unreachable.
func TestNoWordMeansTwoThings(t *testing.T) {
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	meant := map[string]string{}
	for known := range newVocabulary(new(Commands).List(), bundle) {
		for _, language := range bundle.Languages() {
			l := bundle.Locale(language, nil)
			if key := "words." + known; l.Has(key) {
				for word := range strings.SplitSeq(l.Say(key), ",") {
					word = strings.TrimSpace(word)
					if other, ok := meant[word]; ok && other != known {
						t.Errorf("%q means both %s and %s", word, other, known)
					}
					meant[word] = known
				}
			}
		}
	}
}

// The texts about list name every list, by a word that the command understands.
func TestEveryListIsNamed(t *testing.T) {
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	words := newVocabulary(new(Commands).List(), bundle)
	for _, language := range bundle.Languages() {
		for _, key := range []string{"help.list.text", "usage.list", "usage.kind"} {
			named := map[string]bool{}
			for word := range strings.FieldsFuncSeq(bundle.Locale(language, nil).Say(key, i18n.Args{"Word": "x"}), func(r rune) bool { return strings.ContainsRune(" ,.:?", r) }) {
				named[words[word]] = true
			}
			for _, list := range reports.Lists() {
				if !named[list] {
					t.Errorf("%s.toml: %s does not name the list %s", language, key, list)
				}
			}
		}
	}
}
