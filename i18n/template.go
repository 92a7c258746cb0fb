package i18n

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	i18ntemplate "github.com/nicksnyder/go-i18n/v2/i18n/template"
)

// textParser makes templates for go-i18n that show missing arguments, in place of
// which those of go-i18n print "<no value>". go-i18n keeps the parsed templates.
type textParser struct{}

// Cacheable lets go-i18n parse each text once.
func (textParser) Cacheable() bool { return true }

// Parse parses one form of one text. The delimiters are always the usual ones.
func (textParser) Parse(source, _, _ string) (i18ntemplate.ParsedTemplate, error) {
	return parseText(source)
}

// text is one form of a message.
type text struct {
	plain    string // the text without arguments; used when template is nil
	template *template.Template
	fields   []string // every {{.Field}}, sorted
	optional []string // those that an {{if}} or a {{with}} tests, sorted
}

func parseText(source string) (*text, error) {
	if !strings.Contains(source, "{{") {
		return &text{plain: source}, nil
	}
	t, err := template.New("").Option("missingkey=error").Parse(source)
	if err != nil {
		return nil, fmt.Errorf("parsing a text: %w", err)
	}
	fields, optional := map[string]bool{}, map[string]bool{}
	collect(t.Root, fields, optional)
	return &text{
		template: t,
		fields:   slices.Sorted(maps.Keys(fields)),
		optional: slices.Sorted(maps.Keys(optional)),
	}, nil
}

// Execute returns the text with its arguments. In place of a missing argument it has
// the argument's name.
func (t *text) Execute(data any) (string, error) {
	if t.template == nil {
		return t.plain, nil
	}
	words, _ := data.(map[string]any)
	for _, field := range t.fields {
		if _, ok := words[field]; ok {
			continue
		}
		words[field] = missing(field)
		if slices.Contains(t.optional, field) {
			words[field] = ""
		}
	}
	var out strings.Builder
	if err := t.template.Execute(&out, words); err != nil {
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
