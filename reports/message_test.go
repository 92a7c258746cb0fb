package reports

import (
	"strings"
	"testing"
)

// length is the measure of the test's messenger: everything that is read.
func length(m Message) int {
	n := len([]rune(m.Title))
	for _, s := range m.Sections {
		n += len([]rune(s.Heading + s.Text + s.Quote))
		for _, i := range s.Items {
			n += len([]rune(i.Text + i.Note))
		}
		if s.Left > 0 {
			n += len("and 1234 more")
		}
	}
	return n
}

func items(n int) []Item {
	out := make([]Item, n)
	for i := range out {
		out[i] = Item{Text: "a-name-of-some-length.example.com"}
	}
	return out
}

func TestFit(t *testing.T) {
	long := strings.Repeat("слово ", 500)
	messages := map[string]Message{
		"short":         {Title: "Title", Sections: []Section{{Text: "text"}}},
		"one long list": {Title: "Title", Sections: []Section{{Heading: "names", Items: items(4000)}, {Text: "next step"}}},
		"two lists":     {Title: "Title", Sections: []Section{{Items: items(300)}, {Items: items(30)}, {Text: "next step"}}},
		"long quote":    {Title: "Title", Sections: []Section{{Text: "text", Quote: long}, {Text: "next step"}}},
		"long text":     {Title: "Title", Sections: []Section{{Text: "text"}, {Text: long}}},
		"many sections": {Title: "Title", Sections: func() (s []Section) {
			for range 100 {
				s = append(s, Section{Heading: "heading", Text: strings.Repeat("x", 150)})
			}
			return s
		}()},
	}
	for name, m := range messages {
		for _, limit := range []int{4096, 1024, 300, 100} {
			before := length(m)
			got := Fit(m, limit, length)
			if n := length(got); n > limit {
				t.Errorf("%s in %d: %d long", name, limit, n)
			}
			if got.Title != m.Title {
				t.Errorf("%s in %d: title became %q", name, limit, got.Title)
			}
			for i, s := range got.Sections {
				if s.Left+len(s.Items) != len(m.Sections[i].Items) {
					t.Errorf("%s in %d: section %d shows %d and leaves out %d of %d", name, limit, i, len(s.Items), s.Left, len(m.Sections[i].Items))
				}
			}
			if length(m) != before {
				t.Fatalf("%s in %d: the message given was changed", name, limit)
			}
		}
	}
}

// What fits is unchanged; lists are shortened before texts.
func TestFitOrder(t *testing.T) {
	m := Message{Title: "Title", Sections: []Section{{Items: items(40)}, {Text: "cause", Quote: strings.Repeat("q", 100)}, {Text: "next step"}}}
	if got := Fit(m, length(m), length); got.Sections[0].Left != 0 {
		t.Error("a message that fits was shortened")
	}
	got := Fit(m, length(m)-1, length)
	if got.Sections[0].Left == 0 || got.Sections[1].Quote != m.Sections[1].Quote {
		t.Errorf("the list should have given way first: %+v", got)
	}
	got = Fit(m, 70, length)
	if last := got.Sections[len(got.Sections)-1]; last.Text != "next step" || got.Sections[1].Quote != "" {
		t.Errorf("the quotation should have given way before the next step: %+v", got)
	}
}

// A title alone may be too long for a caption; it ends at a rune.
func TestFitLongTitle(t *testing.T) {
	got := Fit(Message{Title: strings.Repeat("ё", 3000)}, 1024, length)
	if length(got) > 1024 || length(got) < 500 || !strings.HasSuffix(got.Title, "ё…") {
		t.Errorf("%d: %q", length(got), got.Title)
	}
	if got := Fit(Message{Title: "t"}, 0, length); got.Title != "t" {
		t.Errorf("%q: what cannot be shortened must come back", got.Title)
	}
}
