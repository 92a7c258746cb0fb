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

// maxDepth is of brackets within brackets. The parser's time grows with its
// cube, and nothing of ours is deeper than four.
const maxDepth = 16

// place is where something stands, from 1; the column counts characters.
type place struct {
	line, column int
	blank        bool // the key is there without a value
}

func top() place { return place{line: 1, column: 1} }

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return top()
	}
	return place{line: max(1, t.Position.Line), column: max(1, t.Position.Column)}
}

// parse gives the root of the one document, nil when there is nothing in it.
// A text that is no YAML is one fault: behind it nothing is certain.
func parse(text []byte) (root ast.Node, at place, p *problem) {
	defer func() {
		if recover() != nil { // a fault of the parser, seen by fuzzing only
			root, at, p = nil, top(), wrong("syntax.unclear", nil)
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if t := tooDeep(tokens); t != nil {
		return nil, placeOf(t), wrong("syntax.deep", nil)
	}
	// Keys given twice are the reader's business: it goes on after one.
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

// syntaxError says what the parser stumbled over. Its own words stay out: they
// are English, and may quote the line, which may hold a secret.
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
	return where, wrong("syntax."+stumble(at.GetMessage()), nil)
}

// stumble sorts the messages of goccy/go-yaml v1.19.2.
func stumble(message string) string {
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

// start is the first token of a node; a block mapping names its colon instead.
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

// pairsOf are the keys and values of a mapping; sample is a key that could
// stand in it.
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

// odd are the keys that YAML has and this file does without: << and ?.
func odd(key ast.MapKeyNode) bool {
	return key.IsMergeKey() || key.Type() == ast.MappingKeyType
}

// blank is a value left out: `key:` or `key: ""`.
func blank(n ast.Node) bool {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return true
	case *ast.StringNode:
		return v.Value == ""
	}
	return false
}
