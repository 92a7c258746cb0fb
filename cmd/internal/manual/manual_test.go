package manual

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Every section of the READMEs is a topic, with the same name in both languages.
func TestEverySectionIsATopic(t *testing.T) {
	var names [2][]string
	for i, language := range []string{"en", "ru"} {
		m, err := Load(language)
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for _, topic := range m.Topics {
			names[i] = append(names[i], topic.Name)
			if known[topic.Name] {
				t.Errorf("%s: two topics are named %s", language, topic.Name)
			}
			known[topic.Name] = true
			known[topic.Title] = true
			if len(topic.body) == 0 {
				t.Errorf("%s: topic %s is empty", language, topic.Name)
			}
		}
		for _, folder := range folders() {
			name := map[string]string{"en": "README.md", "ru": "README.ru.md"}[language]
			text, err := folder.files.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllSubmatch(text, -1) {
				if !known[string(found[1])] {
					t.Errorf("%s/%s: before the heading %q the name of its topic is missing: <!-- help: NAME -->", folder.name, name, found[1])
				}
			}
		}
	}
	if diff := cmp.Diff(names[0], names[1]); diff != "" {
		t.Errorf("the languages have other topics (-en +ru):\n%s", diff)
	}
	if _, err := Load("de"); err == nil {
		t.Error("there is a manual in German")
	}
}

// In a terminal no markup is left, lines have at most the width of the terminal but for
// commands and words that cannot be broken, and links lead to topics.
func TestRender(t *testing.T) {
	const longWord = 30 // beside the first column of a table it does not fit
	markup := regexp.MustCompile("\\]\\(|[^*]\\*\\*[^*]|`|<!--|^#{1,6} |\\| --- ")
	for _, language := range []string{"en", "ru"} {
		m, err := Load(language)
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range m.Topics {
			for _, width := range []int{40, 80} {
				for line := range strings.Lines(topic.Render(width)) {
					line = strings.TrimRight(line, "\n")
					code := strings.HasPrefix(line, "    ")
					if !code && markup.MatchString(line) {
						t.Errorf("%s %s: %s", language, topic.Name, line)
					}
					long := slices.ContainsFunc(strings.Fields(line), func(word string) bool { return utf8.RuneCountInString(word) > longWord })
					if !code && !long && width == 80 && utf8.RuneCountInString(line) > width {
						t.Errorf("%s %s: longer than %d: %s", language, topic.Name, width, line)
					}
				}
			}
		}
	}
}

const sample = `# Title

Not in any topic.

<!-- help: first -->
## The first *topic*

A paragraph that is
long enough to be broken, with ` + "`code`, **weight**, a [link](#second), [another](../bot/README.md#rights), [one away](https://example.org)" + `
and a \| bar.

- an item that is long enough to need a second line
- with a block:

  ` + "```sh\n  # no heading\n  domovoy run\n  ```" + `

  and more

1. one
2. two
   - inside

| name | what it is |
| --- | --- |
| ` + "`a`" + ` | the first, which takes more than a line of this width |
| ` + "`bb`" + ` | the second |

| code | limit | action |
| --- | --- | --- |
| x | 1 | wait |
| y | — | |

### Inside

> Quoted.

<!-- help: second -->
## Second

Text.
`

func TestTopicsOfAFile(t *testing.T) {
	m := &Manual{names: map[string]string{"bot/README.md#rights": "rights"}}
	m.add(&file{"cmd/README.md", []byte(sample), m})
	first, _ := m.Topic("first")
	want := `The first topic
───────────────

A paragraph that is long enough to be
broken, with code, weight, a link
(domovoy help second), another (domovoy
help rights), one away
(https://example.org) and a | bar.

• an item that is long enough to need a
  second line
• with a block:

      # no heading
      domovoy run

  and more

1. one
2. two
   • inside

a   the first, which takes more than a
    line of this width
bb  the second

x
    limit: 1
    action: wait

y

Inside

Quoted.
`
	if diff := cmp.Diff(want, first.Render(40)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if second, ok := m.Topic("second"); !ok || second.Render(40) != "Second\n──────\n\nText.\n" {
		t.Errorf("%v %q", ok, second.Render(40))
	}
	if _, ok := m.Topic("third"); ok {
		t.Error("there is a third topic")
	}
}
