package i18n

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// readTOML calls add with every text of a catalog, the name of its table and its
// key. It reads what catalogs have of TOML 1.0.0: on each line a table, a comment, or
// a key and a basic string. The program does this at every start, and a reader
// of all of TOML takes thirty times as long. A test compares both.
func readTOML(source string, add func(table, key, text string) error) error {
	table, number := "", 0
	for line := range strings.Lines(source) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		err := error(nil)
		if name, ok := strings.CutPrefix(line, "["); ok {
			table, err = readTable(name)
		} else {
			var key, text string
			if key, text, err = readPair(line); err == nil {
				err = add(table, key, text)
			}
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}

// errSyntax is a line that is TOML perhaps, but not as in a catalog.
var errSyntax = errors.New(`want [table], key = "text" or # comment`)

// readTable returns the name of a table without its first bracket.
func readTable(line string) (string, error) {
	name, rest := readKey(line)
	if name == "" || rest != "]" {
		return "", errSyntax
	}
	return name, nil
}

// readPair returns a key with its text.
func readPair(line string) (key, text string, err error) {
	key, rest := readKey(line)
	quoted, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), "=")
	quoted = strings.TrimLeft(quoted, " ")
	if key == "" || !ok || !strings.HasPrefix(quoted, `"`) {
		return "", "", errSyntax
	}
	// The escapes of a basic string are among those of Go.
	if text, err = strconv.Unquote(quoted); err != nil {
		return "", "", errSyntax
	}
	return key, text, nil
}

// readKey returns the key at the start of a line, bare with its dots or quoted, and
// what follows it.
func readKey(line string) (key, rest string) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		key, rest, ok = strings.Cut(quoted, `"`)
		if !ok || strings.Contains(key, `\`) {
			return "", ""
		}
		return key, rest
	}
	bare := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.'
	}
	end := strings.IndexFunc(line, func(r rune) bool { return !bare(r) })
	if end < 0 {
		return "", ""
	}
	return line[:end], line[end:]
}
