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

// Reports says who gets which part of the weekly report.
type Reports struct {
	Managers []Manager `key:"managers"`
}

// Manager is a person who is responsible for some customers, named by patterns,
// by a file, or by both.
type Manager struct {
	To         bot.Address `key:"to" is:"chat" need:"true"`
	Language   string      `key:"language" is:"word" enum:"languages"`
	Owners     []string    `key:"owners" is:"glob"`
	OwnersFile string      `key:"owners_file" is:"path"`
}

// checkManagers finds managers without customers, and files of owners that
// cannot be read.
func (r *reader) checkManagers(c *Config) {
	for i, m := range c.Reports.Managers {
		at := fmt.Sprintf("reports.managers[%d]", i)
		r.checkReached(c, m.To, at+".to")
		if len(m.Owners) == 0 && m.OwnersFile == "" {
			r.fault(at+".to", wrong("manager.idle", nil))
		}
		if _, err := m.OwnersInFile(); err != nil {
			r.fault(at+".owners_file", wrong("manager.file", map[string]any{"Error": err.Error()}))
		}
	}
}

// maxOwners is the part of a file of owners that is read; a hundred thousand
// names fit.
const maxOwners = 8 << 20 // bytes

// OwnersInFile reads OwnersFile: the first column of each line is an owner, and
// lines that begin with # are comments. It returns nil if no file is configured.
func (m Manager) OwnersInFile() (map[string]bool, error) {
	if m.OwnersFile == "" {
		return nil, nil
	}
	f, err := os.Open(m.OwnersFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readOwners(io.LimitReader(f, maxOwners))
}

func readOwners(in io.Reader) (map[string]bool, error) {
	text := bufio.NewReader(in)
	if mark, _, err := text.ReadRune(); err == nil && mark != '\uFEFF' { // the byte order mark that Excel writes
		_ = text.UnreadRune()
	}
	lines := csv.NewReader(text)
	lines.Comment, lines.FieldsPerRecord, lines.LazyQuotes, lines.TrimLeadingSpace = '#', -1, true, true
	owners := map[string]bool{}
	for {
		record, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return owners, nil
		}
		if err != nil {
			return nil, err
		}
		first, _, _ := strings.Cut(record[0], ";") // Excel separates with semicolons in Russian
		if owner := strings.TrimSpace(first); owner != "" {
			owners[owner] = true
		}
	}
}
