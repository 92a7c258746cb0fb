package reports

import "time"

// Novelty is something that changes at a CA on a day.
type Novelty struct {
	CA     string
	Date   time.Time
	Source string
	Text   map[string]string // by language
}

// In the reader's language; in English where nobody translated it.
func (n Novelty) In(language string) string {
	if text, ok := n.Text[language]; ok {
		return text
	}
	return n.Text["en"]
}
