package dns

import "domovoy/checks"

// judgement is what a lookup found, and what could not be looked up.
type judgement struct {
	found []checks.Finding
	errs  []error
}

// fail adds why something is not known; nil adds nothing.
func (j *judgement) fail(err error) {
	if err != nil {
		j.errs = append(j.errs, err)
	}
}

// find adds a finding, with the severity of its code.
func (j *judgement) find(code checks.Code, args checks.Args) {
	for key, value := range args { // texts test whether an argument is set, so empty ones are left out
		if value == "" || value == false || value == 0 {
			delete(args, key)
		}
	}
	j.found = append(j.found, checks.Finding{Code: code, Severity: code.Severity(), Args: args})
}

// makeInfo sets the severity of the findings from an index on to Info: none of
// them is the cause.
func (j *judgement) makeInfo(since int) {
	for i := since; i < len(j.found); i++ {
		j.found[i].Severity = checks.Info
	}
}

// complete adds the detail of the whole lookup to every finding.
func (j *judgement) complete(detail func() string) {
	if len(j.found) == 0 {
		return
	}
	text := detail()
	for i := range j.found {
		j.found[i].Detail = text
	}
}
