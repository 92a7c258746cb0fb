package fleet

import (
	"bufio"
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Enrolment is what an agent, or a bot at the hub of another, needs to speak there, in
// one file.
type Enrolment struct {
	Hub    string   // URLs with commas between them
	Name   string   // of the agent, or of the bot
	Bot    bool     // it is a bot's, which may do everything in the fleet
	Panels []string // that it may speak for; may be empty
	Key    Key
	CA     string // PEM; empty: the hub's certificate is of a CA that the system trusts
}

// ErrNoEnrolment is a text that is no enrolment.
var ErrNoEnrolment = errors.New("not an enrolment")

const (
	seedBegin = "-----BEGIN USER NKEY SEED-----"
	seedEnd   = "------END USER NKEY SEED------"

	roleBot = "bot" // without a role it is an agent's
)

// Text is the file. The comment, lines of text, stands at its beginning.
func (e Enrolment) Text(comment string) (string, error) {
	seed, err := e.Key.Seed()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(comment, "\n")) {
		b.WriteString(strings.TrimRight("# "+strings.TrimRight(line, "\n"), " ") + "\n")
	}
	fmt.Fprintf(&b, "hub: %s\nname: %s\n", e.Hub, e.Name)
	if e.Bot {
		b.WriteString("role: " + roleBot + "\n")
	} else {
		b.WriteString("panels: " + strings.Join(e.Panels, " ") + "\n")
	}
	fmt.Fprintf(&b, "%s\n%s\n%s\n", seedBegin, seed, seedEnd)
	b.WriteString(e.CA)
	return b.String(), nil
}

// ParseEnrolment reads the file. Unknown lines are of a later version and are skipped.
func ParseEnrolment(text string) (Enrolment, error) {
	var e Enrolment
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if value = strings.TrimSpace(value); !ok {
			continue
		}
		switch strings.TrimSpace(key) {
		case "hub":
			e.Hub = value
		case "name":
			e.Name = value
		case "role":
			e.Bot = value == roleBot
		case "panels":
			e.Panels = strings.Fields(value)
		}
	}
	if lines.Err() != nil || e.Hub == "" || !ValidName(e.Name) {
		return Enrolment{}, ErrNoEnrolment
	}
	for _, panel := range e.Panels {
		if !ValidName(panel) {
			return Enrolment{}, ErrNoEnrolment
		}
	}
	var err error
	if e.Key, err = ParseKey(text); err != nil {
		return Enrolment{}, err
	}
	e.CA = Certificates(text)
	return e, nil
}

// Certificates are the PEM blocks of certificates in a text, such as an enrolment;
// empty if it has none.
func Certificates(text string) string {
	var b bytes.Buffer
	at := strings.Index(text, "-----BEGIN CERTIFICATE-----")
	if at < 0 {
		return ""
	}
	for rest := []byte(text[at:]); ; {
		block, more := pem.Decode(rest)
		if block == nil {
			return b.String()
		}
		if rest = more; block.Type == "CERTIFICATE" {
			_ = pem.Encode(&b, &pem.Block{Type: block.Type, Bytes: block.Bytes}) // a buffer takes all
		}
	}
}
