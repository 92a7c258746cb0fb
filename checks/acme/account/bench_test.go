package account

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkLog reads a debug log of acme.sh.
func BenchmarkLog(b *testing.B) {
	text, err := os.ReadFile(filepath.Join("testdata", "acmesh-debug2.log"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c := newCollector(time.Time{})
		if err := c.lines(b.Context(), "log", bufio.NewReader(bytes.NewReader(text))); err != nil {
			b.Fatal(err)
		}
	}
}
