package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth is how deep brackets may be nested. The parser's time grows with the
// cube of the depth, and a config needs four levels.
const maxDepth = 16

// place is a position in the file. Both numbers begin at 1; columns count
// characters.
type place struct {
	line, column int
	blank        bool // the key has no value
}

func top() place { return place{line: 1, column: 1} }

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return top()
	}
	return place{line: max(1, t.Position.Line), column: max(1, t.Position.Column)}
}

// parse returns the root of the only document; nil if it is empty. A text that is
// not YAML is a single fault, since the rest cannot be trusted.
func parse(text []byte) (root ast.Node, at place, p *problem) {
	defer func() {
		if recover() != nil { // the parser panics on some texts, found by fuzzing
			root, at, p = nil, top(), wrong("syntax.unclear", nil)
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if t := tooDeep(tokens); t != nil {
		return nil, placeOf(t), wrong("syntax.deep", nil)
	}
	// The reader finds keys that are there twice, and continues.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, p = syntaxError(err, tokens)
		return nil, at, p
	}
	for _, doc := range file.Docs {
		switch doc.Body.(type) {
		case nil, *ast.DirectiveNode:
			continue
		}
		if root != nil {
			return nil, placeOf(start(doc.Body)), wrong("syntax.documents", nil)
		}
		root = doc.Body
	}
	return root, top(), nil
}

// tooDeep returns the first token that is nested too deeply, or nil.
func tooDeep(tokens token.Tokens) *token.Token {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxDepth {
			return t
		}
	}
	return nil
}

// syntaxError translates an error of the parser. The parser's own text is not
// shown: it is English and may quote a line with a secret.
func syntaxError(err error, tokens token.Tokens) (place, *problem) {
	var at yaml.Error
	if !errors.As(err, &at) {
		return top(), wrong("syntax.unclear", nil)
	}
	where := placeOf(at.GetToken())
	for _, t := range tokens {
		// `panel: */5 * * * *` is read as an alias named /5.
		if t.Type == token.AliasType && placeOf(t).line == where.line {
			return placeOf(t), wrong("syntax.star", nil)
		}
	}
	return where, wrong("syntax."+syntaxProblem(at.GetMessage()), nil)
}

// syntaxProblem returns the name of the problem for a message of goccy/go-yaml
// v1.19.2.
func syntaxProblem(message string) string {
	for _, known := range []struct{ part, name string }{
		{"quoted text", "quote"},
		{"'\t'", "tab"},
		{"tab character", "tab"},
		{"must be specified", "bracket"},
		{"corresponding to", "bracket"},
		{"end token", "bracket"},
		{"reserved character", "reserved"},
		{"directive", "reserved"},
		{"mapping value is not allowed", "colon"},
		{"value is not allowed", "indent"},
		{"non-map value", "indent"},
		{"unexpected key name", "indent"},
	} {
		if strings.Contains(message, known.part) {
			return known.name
		}
	}
	return "unclear"
}

// start returns the first token of a node. GetToken returns the colon of a block
// mapping instead.
func start(n ast.Node) *token.Token {
	switch v := n.(type) {
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			return v.Values[0].Key.GetToken()
		}
		return v.Start
	case *ast.MappingValueNode:
		return v.Key.GetToken()
	}
	return n.GetToken()
}

// pairsOf returns the keys and values of a mapping; sample is an example of a key
// for the hint.
func pairsOf(n ast.Node, sample string) ([]*ast.MappingValueNode, *problem) {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return nil, nil
	case *ast.MappingNode:
		return v.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}, nil
	}
	if slices.Contains([]ast.NodeType{ast.AliasType, ast.AnchorType, ast.TagType}, n.Type()) {
		return nil, wrong("anchor", nil)
	}
	return nil, wrong("section", map[string]any{"Key": sample})
}

// unsupported reports whether a key is << or ?, which a config does not use.
func unsupported(key ast.MapKeyNode) bool {
	return key.IsMergeKey() || key.Type() == ast.MappingKeyType
}

// blank reports whether a value is left out: `key:` or `key: ""`.
func blank(n ast.Node) bool {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return true
	case *ast.StringNode:
		return v.Value == ""
	}
	return false
}
