package config

import (
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// table reads a section whose keys are top-level domains, not ours to name.
func (r *reader) table(f field, n ast.Node, path string, into reflect.Value) {
	pairs, p := pairsOf(n, f.sample)
	if p != nil {
		r.fault(path, p)
		return
	}
	all, seen := reflect.MakeMap(f.typ), map[string]int{}
	for _, pair := range pairs {
		key := pair.Key.GetToken().Value
		at, stands := join(path, shown(key)), placeOf(pair.Key.GetToken())
		r.places[at] = stands
		name, p := readTLD(key)
		switch {
		case odd(pair.Key):
			p = wrong("anchor", nil)
		case p == nil && seen[name] != 0: // RU is ru, and рф is xn--p1ai
			p = wrong("twice", map[string]any{"Key": shown(key), "Line": seen[name]})
		}
		if p != nil {
			r.fault(at, p)
			continue
		}
		seen[name] = stands.line
		if blank(pair.Value) {
			continue // as everywhere: a value left out
		}
		r.places[at] = placeOf(start(pair.Value))
		one := reflect.New(f.typ.Elem()).Elem()
		r.scalar(f, pair.Value, at, one)
		all.SetMapIndex(reflect.ValueOf(name), one)
	}
	into.Set(all)
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
