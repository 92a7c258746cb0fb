package config

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"domovoy/bot"
)

// Reports is who gets which part of the weekly report.
type Reports struct {
	Managers []Manager `key:"managers" title:"Who answers for which customers; each gets their part of the weekly report"`
}

// Manager is one of the managers and their customers: by globs, by a file, or
// by both.
type Manager struct {
	To         bot.Address `key:"to" is:"chat" need:"true" title:"Where the manager reads: telegram:123456789 or slack:C0123456789"`
	Language   string      `key:"language" is:"word" enum:"languages" title:"Language of the report"`
	Owners     []string    `key:"owners" is:"glob" title:"Users of the panel, such as client1*"`
	OwnersFile string      `key:"owners_file" is:"path" title:"CSV whose first column has users of the panel"`
}

// checkManagers finds managers without customers, and files of customers that
// cannot be read.
func (r *reader) checkManagers(c *Config) {
	for i, m := range c.Reports.Managers {
		at := fmt.Sprintf("reports.managers[%d]", i)
		r.checkReached(c, m.To, at+".to")
		if len(m.Owners) == 0 && m.OwnersFile == "" {
			r.fault(at+".to", wrong("manager.idle", nil))
		}
		if _, err := m.Named(); err != nil {
			r.fault(at+".owners_file", wrong("manager.file", map[string]any{"Error": err.Error()}))
		}
	}
}

// largestOwners bounds a file of owners, in bytes: a hundred thousand names.
const largestOwners = 8 << 20

// Named reads the owners that the file names: the first column of each line.
// Lines that begin with # are comments; nil where there is no file.
func (m Manager) Named() (map[string]bool, error) {
	if m.OwnersFile == "" {
		return nil, nil
	}
	f, err := os.Open(m.OwnersFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ownersOf(io.LimitReader(f, largestOwners))
}

func ownersOf(in io.Reader) (map[string]bool, error) {
	text := bufio.NewReader(in)
	if mark, _, err := text.ReadRune(); err == nil && mark != '\uFEFF' { // Excel begins with a mark
		_ = text.UnreadRune()
	}
	lines := csv.NewReader(text)
	lines.Comment, lines.FieldsPerRecord, lines.LazyQuotes, lines.TrimLeadingSpace = '#', -1, true, true
	named := map[string]bool{}
	for {
		record, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return named, nil
		}
		if err != nil {
			return nil, err
		}
		first, _, _ := strings.Cut(record[0], ";") // as Excel writes CSV in Russian
		if owner := strings.TrimSpace(first); owner != "" {
			named[owner] = true
		}
	}
}
