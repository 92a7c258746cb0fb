package panel_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/panel"
)

// counting counts how often it is asked about each text.
type counting struct {
	panel.Classifier
	asked int
}

func (c *counting) Classify(text string) (checks.Code, checks.Args) {
	c.asked++
	if len(text) > 1<<16 { // no logged text is that long, and the rules would take seconds
		return "", nil
	}
	return c.Classifier.Classify(text)
}

func TestRememberAsksOnce(t *testing.T) {
	inner := &counting{Classifier: acme.NewClassifier()}
	c := panel.Remember(inner)
	texts := []string{`CAA record for a.example prevents issuance`, `nobody knows this`, ``}
	for _, text := range texts {
		code, args := inner.Classifier.Classify(text)
		for range 3 {
			gotCode, gotArgs := c.Classify(text)
			if gotCode != code || !cmp.Equal(gotArgs, args) {
				t.Errorf("Classify(%q) = %s, %v; want %s, %v", text, gotCode, gotArgs, code, args)
			}
			if gotArgs != nil {
				gotArgs["mine"] = true // a caller may add to what it got
			}
		}
	}
	if inner.asked != len(texts) {
		t.Errorf("the classifier was asked %d times about %d texts", inner.asked, len(texts))
	}
}

func TestRememberIsBounded(t *testing.T) {
	inner := &counting{Classifier: acme.NewClassifier()}
	c := panel.Remember(inner)
	long := strings.Repeat(".", 1<<20)
	for i := range 6 {
		c.Classify(strconv.Itoa(i) + long)
	}
	c.Classify("0" + long)
	if inner.asked != 7 {
		t.Errorf("the classifier was asked %d times: the first of six large texts is still remembered", inner.asked)
	}
}
