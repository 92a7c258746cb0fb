package app

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/cmd/internal/config"
)

// A list of customers is read again for each report, in the format of
// spreadsheets; if it is missing, the last readable one is used.
func TestNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anna.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("client1\nclient2\n")
	customers := named(config.Manager{OwnersFile: path}, slog.New(slog.DiscardHandler))
	for _, tt := range []struct {
		name   string
		change func()
		want   []string
	}{
		{"as it was", func() {}, []string{"client1", "client2"}},
		{"Excel in Russian: a mark, semicolons, CRLF", func() { write("\ufeffclient7;Анна;да\r\nclient8;\"Борис; брат\"\r\n\r\n") }, []string{"client7", "client8"}},
		{"commas, quotes, comments", func() { write("# ours\n\"client3\", \"a, b\"\n client4 \n") }, []string{"client3", "client4"}},
		{"gone", func() { _ = os.Remove(path) }, []string{"client3", "client4"}},
		{"back", func() { write("client9") }, []string{"client9"}},
		{"empty", func() { write("") }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.change()
			got, err := customers()
			if diff := cmp.Diff(tt.want, slices.Sorted(maps.Keys(got))); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}
