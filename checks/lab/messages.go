package lab

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// problem is one text of messages.txt and its ACME problem type.
type problem struct {
	kind, words string
	status      int
	weight      int
	truth       Trouble // empty: the name leads to the site, which answers
	text        string
}

// problems holds the CA's texts: lasting ones occur in every attempt, passing
// ones do not.
type problems struct {
	rng              *rand.Rand
	lasting, passing []problem
	unused           []problem // lasting ones not used yet, so that a sample contains all of them
}

func newProblems(rng *rand.Rand) (*problems, error) {
	headings, lines, err := sections("messages.txt")
	if err != nil {
		return nil, err
	}
	p := &problems{rng: rng}
	for _, heading := range headings {
		for _, line := range lines[heading] {
			var made problem
			var duration, truth string
			if _, err := fmt.Sscanf(heading, "%s %d", &made.kind, &made.status); err != nil {
				return nil, fmt.Errorf("messages.txt: %q: %w", heading, err)
			}
			if _, err := fmt.Sscanf(line, "%s %d %s", &duration, &made.weight, &truth); err != nil {
				return nil, fmt.Errorf("messages.txt: %q: %w", line, err)
			}
			made.words, made.text = after(heading, 2), after(line, 3)
			if truth != "none" {
				made.truth = Trouble(truth)
			}
			if duration == "lasting" {
				p.lasting = append(p.lasting, made)
			} else {
				p.passing = append(p.passing, made)
			}
		}
	}
	p.unused = append(p.unused, p.lasting...)
	rng.Shuffle(len(p.unused), func(i, j int) { p.unused[i], p.unused[j] = p.unused[j], p.unused[i] })
	return p, nil
}

// after returns the text after the first n words.
func after(line string, n int) string { return strings.SplitN(line, " ", n+1)[n] }

func (p *problems) nextLasting() problem {
	if len(p.unused) > 0 {
		first := p.unused[0]
		p.unused = p.unused[1:]
		return first
	}
	return p.draw(p.lasting)
}

// lastingOf returns a lasting problem that such a trouble causes; false: the CA
// has no text for it.
func (p *problems) lastingOf(t Trouble) (problem, bool) {
	var fitting []problem
	for _, one := range p.lasting {
		if one.truth == t {
			fitting = append(fitting, one)
		}
	}
	if len(fitting) == 0 {
		return problem{}, false
	}
	return p.draw(fitting), true
}

func (p *problems) nextPassing() problem { return p.draw(p.passing) }

func (p *problems) draw(from []problem) problem {
	total := 0
	for _, one := range from {
		total += one.weight
	}
	dice := p.rng.IntN(total)
	for _, one := range from {
		if dice -= one.weight; dice < 0 {
			return one
		}
	}
	panic("unreachable: the dice is below the sum of the weights")
}

// siteProblem is a problem as one site has it.
type siteProblem struct {
	problem
	domain, ours, theirs string // the name that failed; the site's address; where the name really points
	client               int    // which client's text is around the CA's: see asWritten
}

func (p *problems) of(site Site, what problem) siteProblem {
	domain := ascii(site.Name)
	if len(site.Aliases) > 0 && strings.HasPrefix(site.Aliases[0], "www.") && p.rng.IntN(4) == 0 {
		domain = "www." + domain
	}
	foreign := fmt.Sprintf("%s.%d", one(p.rng, []string{"198.51.100", "192.0.2"}), 1+p.rng.IntN(60))
	return siteProblem{problem: what, domain: domain, ours: site.Addresses[0], theirs: foreign, client: p.rng.IntN(10)}
}

// message returns the text of one attempt: tokens and times differ from attempt
// to attempt, the rest does not.
func (p *problems) message(t siteProblem, at time.Time) string {
	labels := strings.Split(t.domain, ".")
	detail := strings.NewReplacer(
		"{domain}", t.domain, "{ours}", t.ours, "{theirs}", t.theirs, "{parent}", strings.Join(labels[len(labels)-2:], "."),
		"{token}", p.random(), "{thumbprint}", p.random(), "{jwt}", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."+p.random()+p.random()+"."+p.random(),
		"{hour}", at.Add(52*time.Minute).UTC().Format(time.DateTime), "{days}", at.Add(30*time.Hour).UTC().Format(time.DateTime),
	).Replace(t.text)
	return t.asWritten(detail, at)
}

// random returns 32 characters of the alphabet of ACME tokens (RFC 8555 section
// 8.1).
func (p *problems) random() string {
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = byte(p.rng.Uint32())
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// asWritten puts an ACME client's text around the CA's: mostly nothing, else
// that of acme.sh or certbot, or the bare problem document. What ISPmanager's
// own client logs is not known.
func (t siteProblem) asWritten(detail string, at time.Time) string {
	switch ofChallenge := t.ofChallenge(); {
	case t.client < 6:
		return detail
	case t.client < 8 && ofChallenge:
		return fmt.Sprintf("[%s] %s: Invalid status. Verification error details: %s", at.Format(time.UnixDate), t.domain, detail)
	case t.client < 8:
		return fmt.Sprintf("[%s] Error creating new order. Le_OrderFinalize not found. %s", at.Format(time.UnixDate), t.document(detail))
	case t.client == 8:
		return t.document(detail)
	case ofChallenge:
		return fmt.Sprintf("Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:\n"+
			"  Domain: %s\n  Type:   %s\n  Detail: %s", t.domain, t.kind, detail)
	default:
		return fmt.Sprintf("urn:ietf:params:acme:error:%s :: %s :: %s", t.kind, t.words, detail)
	}
}

// ofChallenge reports whether it is a problem of a validation, not of an order:
// clients print them differently.
func (t siteProblem) ofChallenge() bool {
	switch t.kind {
	case "unauthorized", "connection", "dns", "caa":
		return !strings.HasPrefix(t.text, "Error finalizing")
	default:
		return false
	}
}

// document returns the problem document as the CA sends it (RFC 7807, indented
// as by Boulder).
func (t siteProblem) document(detail string) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(struct {
		Type   string `json:"type"`
		Detail string `json:"detail"`
		Status int    `json:"status"`
	}{"urn:ietf:params:acme:error:" + t.kind, detail, t.status})
	if err != nil {
		panic(err) // strings and a number can always be encoded
	}
	return strings.TrimSpace(text.String())
}

// sampleFiles are the words and tables the sample is made of; each file describes its own form.
//
//go:embed sample
var sampleFiles embed.FS

// sections reads a file of lines under "= heading" lines; lines before the
// first heading are under "".
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

// namer generates distinct domain names.
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

// ascii generates a name in Latin letters.
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

// cyrillic generates a name in Russian letters.
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
