package lab

import (
	"embed"
	"fmt"
	"math/rand/v2"
	"strings"
)

// sampleFiles are the words and tables the sample is made of; each file tells its own form.
//
//go:embed sample
var sampleFiles embed.FS

// sections reads a file of lines under "= heading" lines; lines before the first heading stand under "".
func sections(name string) (headings []string, lines map[string][]string, err error) {
	text, err := sampleFiles.ReadFile("sample/" + name)
	if err != nil {
		return nil, nil, fmt.Errorf("reading sample data: %w", err)
	}
	heading := ""
	lines = map[string][]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if title, found := strings.CutPrefix(line, "= "); found {
			heading = title
			headings = append(headings, title)
		} else if line != "" && line[0] != '#' {
			lines[heading] = append(lines[heading], line)
		}
	}
	return headings, lines, nil
}

// namer invents domain names, each once.
type namer struct {
	rng   *rand.Rand
	words map[string][]string
	taken map[string]bool
	roots []string // registered names that may get subdomains
}

func newNamer(rng *rand.Rand) (*namer, error) {
	_, lines, err := sections("names.txt")
	if err != nil {
		return nil, err
	}
	n := &namer{rng: rng, words: map[string][]string{}, taken: map[string]bool{}}
	for heading, list := range lines {
		n.words[heading] = strings.Fields(strings.Join(list, " "))
	}
	return n, nil
}

func (n *namer) word(heading string) string { return one(n.rng, n.words[heading]) }

// ascii invents a name in Latin letters.
func (n *namer) ascii() string {
	return n.unused(func() string {
		switch dice := n.rng.IntN(100); {
		case dice < 40:
			return n.word("trades") + "-" + n.word("cities") + n.zone(".ru .ru .ru .ru .ru .ru .com .net .su")
		case dice < 60:
			return n.word("surnames") + "-" + n.word("trades") + n.zone(".ru .ru .ru .com .su")
		case dice < 75:
			return n.word("first") + n.word("second") + n.zone(".com .com .net .ru")
		case dice < 90 || len(n.roots) == 0:
			return n.word("trades") + fmt.Sprint(10+n.rng.IntN(190)) + n.zone(".ru .ru .ru .com .su")
		default:
			return n.word("subdomains") + "." + one(n.rng, n.roots)
		}
	})
}

// cyrillic invents a name in Russian letters.
func (n *namer) cyrillic() string {
	return n.unused(func() string {
		return n.word("nouns") + "-" + n.word("russian") + n.zone(".рф .рф .рф .рф .рф .рф .рф .com")
	})
}

func (n *namer) zone(choice string) string { return one(n.rng, strings.Fields(choice)) }

func (n *namer) unused(invent func() string) string {
	name := invent()
	for n.taken[name] {
		name = invent()
	}
	n.taken[name] = true
	if strings.Count(name, ".") == 1 && ascii(name) == name {
		n.roots = append(n.roots, name)
	}
	return name
}

func one[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }
