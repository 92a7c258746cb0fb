package reports

// Fit shortens a message until size, as one messenger measures it, is at most
// limit. It works by composition and never cuts rendered text: first list
// items go, the longest list losing its tail, with Left counting them; then
// quotations; then whole sections from the end; last, the title is cut at a
// rune. The message that comes back says in each section how much is left
// out; the messenger puts that into words.
func Fit(m Message, limit int, size func(Message) int) Message {
	m.Sections = append([]Section(nil), m.Sections...)
	for size(m) > limit {
		if !shorten(&m) {
			return m
		}
	}
	return m
}

// shorten takes the least important part away, or reports that nothing can go.
func shorten(m *Message) bool {
	if i := longestList(m.Sections); i >= 0 {
		s := &m.Sections[i]
		drop := max(1, len(s.Items)/8)
		s.Items = s.Items[:len(s.Items)-drop]
		s.Left += drop
		return true
	}
	for i := len(m.Sections) - 1; i >= 0; i-- {
		if m.Sections[i].Quote != "" {
			m.Sections[i].Quote = halve(m.Sections[i].Quote)
			return true
		}
	}
	if n := len(m.Sections); n > 0 {
		if text := m.Sections[n-1].Text; len(text) > 200 {
			m.Sections[n-1].Text = halve(text)
			return true
		}
		m.Sections = m.Sections[:n-1]
		return true
	}
	if len(m.Title) > 1 {
		m.Title = halve(m.Title)
		return true
	}
	return false
}

// longestList is the section with the most items, at least two; -1: none.
func longestList(sections []Section) int {
	best, most := -1, 1
	for i, s := range sections {
		if len(s.Items) > most {
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
