package i18n

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	texttemplate "text/template"
	"text/template/parse"
)

// text is one form of a message. Its template is parsed when it is first needed,
// because a command needs few of the texts.
type text struct {
	source string
	parsed atomic.Pointer[template]
}

// template is a parsed text with arguments.
type template struct {
	*texttemplate.Template
	fields   []string // every {{.Field}}, sorted
	optional []string // those that an {{if}} or a {{with}} tests, sorted
}

// hasArguments reports whether a text has to be parsed.
func hasArguments(source string) bool { return strings.Contains(source, "{{") }

// parseText parses a text.
func parseText(source string) (*template, error) {
	t, err := texttemplate.New("").Option("missingkey=error").Parse(source)
	if err != nil {
		return nil, fmt.Errorf("parsing a text: %w", err)
	}
	fields, optional := map[string]bool{}, map[string]bool{}
	collect(t.Root, fields, optional)
	return &template{
		Template: t,
		fields:   slices.Sorted(maps.Keys(fields)),
		optional: slices.Sorted(maps.Keys(optional)),
	}, nil
}

// execute returns a text with its arguments. In place of a missing argument it has
// the argument's name. It adds those to words.
func (t *text) execute(words map[string]any) (string, error) {
	parsed := t.parsed.Load()
	if parsed == nil {
		var err error
		if parsed, err = parseText(t.source); err != nil {
			return "", err
		}
		t.parsed.Store(parsed) // two goroutines may both parse it
	}
	for _, field := range parsed.fields {
		if _, ok := words[field]; ok {
			continue
		}
		words[field] = missing(field)
		if slices.Contains(parsed.optional, field) {
			words[field] = ""
		}
	}
	var out strings.Builder
	if err := parsed.Execute(&out, words); err != nil {
		return "", fmt.Errorf("filling in a text: %w", err)
	}
	return out.String(), nil
}

// collect adds the fields below a node to fields, and those in conditions to optional
// too.
func collect(node parse.Node, fields, optional map[string]bool) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil { // an {{if}} without an {{else}}
			return
		}
		for _, child := range n.Nodes {
			collect(child, fields, optional)
		}
	case *parse.ActionNode:
		collect(n.Pipe, fields, optional)
	case *parse.IfNode:
		collectBranch(&n.BranchNode, fields, optional)
	case *parse.WithNode:
		collectBranch(&n.BranchNode, fields, optional)
	case *parse.RangeNode:
		collectBranch(&n.BranchNode, fields, optional)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			for _, arg := range command.Args {
				collect(arg, fields, optional)
			}
		}
	case *parse.FieldNode:
		fields[n.Ident[0]] = true
	}
}

func collectBranch(n *parse.BranchNode, fields, optional map[string]bool) {
	collect(n.Pipe, optional, optional)
	maps.Copy(fields, optional)
	collect(n.List, fields, optional)
	collect(n.ElseList, fields, optional)
}
