package internet

import (
	"errors"
	"fmt"
	"slices"
)

// Situation is one trouble, or two, with the verdict that is right for it.
type Situation struct {
	Name  string   // what is so, in words
	Rule  string   // what it is taken from: a table of the CA's behaviour, or a kind of cause
	Want  string   // the root cause
	Also  []string // what must stay visible beside it
	steps []step
}

// step turns the healthy world into another one, before its servers open.
type step func(*Lab) error

// Situations are all that the diagnosis is judged by. A person asks in each:
// names are looked at as closely as it goes.
func Situations() []Situation {
	return slices.Concat(registrationSituations(), delegationSituations(), addressSituations(), caaSituations(),
		doorSituations(), answerSituations(), redirectSituations(), familySituations(), unevenSituations(), proxySituations(),
		certificateSituations(), authoritySituations(), blindSituations(), doubleSituations())
}

// Start plays the situation; files go below dir.
func (s Situation) Start(dir string) (*Lab, error) {
	l, err := newLab(dir)
	if err == nil {
		for _, change := range s.steps {
			if err = change(l); err != nil {
				break
			}
		}
	}
	if err == nil {
		err = l.open()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("playing %q: %w", s.Name, err), l.Close())
	}
	return l, nil
}

// row makes a situation, for tables that stay readable.
func row(name, rule, want string, steps ...step) Situation {
	return Situation{Name: name, Rule: rule, Want: want, steps: steps}
}

// also adds what must stay visible.
func (s Situation) also(codes ...string) Situation {
	s.Also = append(slices.Clone(s.Also), codes...)
	return s
}
