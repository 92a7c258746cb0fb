package fleet

import (
	"time"

	"domovoy/checks"
)

// Finding is checks.Finding with arguments that keep their types.
type Finding struct {
	checks.Finding
	Args map[string]Arg `json:"Args,omitempty"`
}

// Arg is an argument of a finding: exactly one field is set.
type Arg struct {
	Text  *string    `json:"s,omitempty"`
	Whole *int       `json:"n,omitempty"`
	Yes   *bool      `json:"b,omitempty"`
	Time  *time.Time `json:"t,omitempty"`
	List  *[]string  `json:"l,omitempty"`
}

// FindingsOf returns the records of findings. Arguments of other kinds are left out:
// checks have none.
func FindingsOf(found []checks.Finding) (all []Finding) {
	for _, f := range found {
		args := map[string]Arg{}
		for name, v := range f.Args {
			switch v := v.(type) {
			case string:
				args[name] = Arg{Text: &v}
			case int:
				args[name] = Arg{Whole: &v}
			case bool:
				args[name] = Arg{Yes: &v}
			case time.Time:
				args[name] = Arg{Time: &v}
			case []string:
				args[name] = Arg{List: &v}
			}
		}
		f.Args = nil
		all = append(all, Finding{Finding: f, Args: args})
	}
	return all
}

// Of returns the finding about a site of a server that a place saw, whatever the record
// says about whose it is. The site may be empty, the place, too.
func (r Finding) Of(server, site, from string) checks.Finding {
	f := r.Finding
	f.Server, f.Site, f.From, f.Args = server, site, from, checks.Args{}
	for name, a := range r.Args {
		switch {
		case a.Text != nil:
			f.Args[name] = *a.Text
		case a.Whole != nil:
			f.Args[name] = *a.Whole
		case a.Yes != nil:
			f.Args[name] = *a.Yes
		case a.Time != nil:
			f.Args[name] = *a.Time
		case a.List != nil:
			f.Args[name] = *a.List
		}
	}
	return f
}
