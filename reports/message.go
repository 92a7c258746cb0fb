package reports

// Tone is what a reader should see at first glance.
type Tone string

// Tones; the zero value carries no mark.
const (
	Plain       Tone = ""
	ToneBad     Tone = "critical"
	ToneWarning Tone = "warning"
	ToneOver    Tone = "over"
	ToneUnknown Tone = "unknown"
)

// Mark is the one emoji that a message may have, by its tone; empty for Plain.
func (t Tone) Mark() string {
	switch t {
	case ToneBad:
		return "🔴"
	case ToneWarning:
		return "🟠"
	case ToneOver:
		return "🟢"
	case ToneUnknown:
		return "⚪"
	}
	return ""
}

// Message is a message to a person: translated, but without markup. Each
// messenger renders it in its own way, and escapes and shortens it.
type Message struct {
	Language string    `json:"language"` // code of the language, for what a messenger itself adds
	Tone     Tone      `json:"tone,omitempty"`
	Title    string    `json:"title"` // enough to decide whether to act
	Sections []Section `json:"sections,omitempty"`
	Actions  []Action  `json:"actions,omitempty"`
	Files    []File    `json:"files,omitempty"`
	Numbers  []Number  `json:"numbers,omitempty"`
	More     string    `json:"more,omitempty"`   // ID of the action that turns the page of the buttons; the journal gives it where there are several
	Page     int       `json:"page,omitempty"`   // of the buttons, from 0; above the last it begins again
	Silent   bool      `json:"silent,omitempty"` // arrives without a sound
	Facts    *Facts    `json:"facts,omitempty"`  // for programs; nil: it is about no problem

	// Delivery names the delivery, the same in each of its tries and never that
	// of another one: a receiver recognizes repetitions by it. The outbox sets
	// it; it is not stored.
	Delivery string `json:"-"`
}

// Section is a paragraph, a list, a quotation, or these in that order. Any
// part may be empty.
type Section struct {
	// Folded is for details that most readers do not need: a messenger shows them
	// behind one tap, or small, where it can. They are the first to be cut.
	Folded bool `json:"folded,omitempty"`

	Heading string `json:"heading,omitempty"`
	Text    string `json:"text,omitempty"`
	Items   []Item `json:"items,omitempty"`
	Left    int    `json:"left,omitempty"`  // number of items that were left out
	Quote   string `json:"quote,omitempty"` // text of others, shown as it is
}

// Unfold separates what is folded from the rest. What was folded is so no more.
func Unfold(sections []Section) (rest, folded []Section) {
	for _, s := range sections {
		if s.Folded {
			s.Folded = false
			folded = append(folded, s)
		} else {
			rest = append(rest, s)
		}
	}
	return rest, folded
}

// Item is a line of a list: a text, and a less important note.
type Item struct {
	Tone Tone   `json:"tone,omitempty"`
	Text string `json:"text"`
	Note string `json:"note,omitempty"`
	Row  int    `json:"row,omitempty"` // its number, by which an Action names it; 0: it has none
}

// Action is a button that stands for a typed command. The journal keeps the
// command under ID; only ID passes through a messenger. One with a URL opens it
// instead, and needs neither.
type Action struct {
	ID      string `json:"id,omitempty"` // given by the journal; empty: not stored yet
	Label   string `json:"label"`
	Command string `json:"command"`
	Danger  bool   `json:"danger,omitempty"`
	Rare    bool   `json:"rare,omitempty"` // stands in a menu, or on a later page
	Row     int    `json:"row,omitempty"`  // of the Item that it is about; 0: of none
	URL     string `json:"url,omitempty"`
}

// Number is a count of sites, certificates or customers in a message, with the
// command that lists as many. The numbers of a message are in the order of its text.
type Number struct {
	N       int    `json:"n"`
	Label   string `json:"label"` // what is counted, as a button says it
	Command string `json:"command"`
}

// File is an attachment.
type File struct {
	Name string `json:"name"`
	Type string `json:"type"` // media type
	Data []byte `json:"data"`
	Path string `json:"path,omitempty"` // where it is stored on the server; empty: nowhere
}

// Fit shortens a message until its size, as a messenger measures it, is at most
// limit. What is folded gives way first, then the rest, in the same order: list
// items, from the longest list's end; then it halves quotations; then it removes
// sections from the end; last it cuts the title. Each section's Left counts the
// items that were removed; the messenger words that.
func Fit(m Message, limit int, size func(Message) int) Message {
	m.Sections = append([]Section(nil), m.Sections...)
	fits := func() bool { return size(m) <= limit }
	for !fits() {
		if !shorten(&m, fits) {
			return m
		}
	}
	return m
}

// shorten removes the least important part, or reports that nothing is left to
// remove.
func shorten(m *Message, fits func() bool) bool {
	if shortenSections(m, true, fits) || shortenSections(m, false, fits) {
		return true
	}
	if len(m.Title) > 1 {
		m.Title = halve(m.Title)
		return true
	}
	return false
}

// shortenSections removes the least important part of the sections that are
// folded, or of the others.
func shortenSections(m *Message, folded bool, fits func() bool) bool {
	if i := longestList(m.Sections, folded); i >= 0 {
		shortenList(&m.Sections[i], fits)
		return true
	}
	last := -1
	for i := len(m.Sections) - 1; i >= 0; i-- {
		if m.Sections[i].Folded != folded {
			continue
		}
		last = max(last, i)
		if m.Sections[i].Quote != "" {
			m.Sections[i].Quote = halve(m.Sections[i].Quote)
			return true
		}
	}
	switch {
	case last < 0:
		return false
	case len(m.Sections[last].Text) > 200:
		m.Sections[last].Text = halve(m.Sections[last].Text)
	default:
		m.Sections = append(m.Sections[:last], m.Sections[last+1:]...)
	}
	return true
}

// shortenList leaves as many items as fit, but half of them at least, so that of
// several lists the longest gives way first, and one item at least.
func shortenList(s *Section, fits func() bool) {
	items, left := s.Items, s.Left
	keep := func(n int) { s.Items, s.Left = items[:n], left+len(items)-n }
	low, high := (len(items)+1)/2, len(items) // low may not fit, high does not
	for high-low > 1 {
		middle := (low + high) / 2
		if keep(middle); fits() {
			low = middle
		} else {
			high = middle
		}
	}
	keep(low)
}

// longestList is the section with the most items, at least two, of those that are
// folded or of the others; -1: none.
func longestList(sections []Section, folded bool) int {
	best, most := -1, 1
	for i, s := range sections {
		if s.Folded == folded && len(s.Items) > most {
			best, most = i, len(s.Items)
		}
	}
	return best
}

// halve keeps the first half of the runes; a short rest disappears.
func halve(s string) string {
	runes := []rune(s)
	if len(runes) < 40 {
		return ""
	}
	return string(runes[:len(runes)/2]) + "…"
}
