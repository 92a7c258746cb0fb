package account

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

const (
	longestLine = 4 << 20 // bytes; acme.sh puts a whole order into one line
	packing     = 4       // so many times more of a packed file, which has no way in from its end
	everyLines  = 4096    // how often the context is asked
)

// readFile reads a log or a state file into the collector. An error is the
// context's.
func (c *collector) readFile(ctx context.Context, path string, most int64) (SkipReason, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return SkipDenied, nil
	case err != nil:
		return SkipUnreadable, nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return SkipUnreadable, nil
	}
	if strings.HasSuffix(path, ".gz") {
		packed, err := gzip.NewReader(file)
		if err != nil {
			return SkipUnreadable, nil
		}
		return skipped(c.lines(ctx, path, bufio.NewReaderSize(&bounded{packed, most * packing}, 64<<10)), false), ctx.Err()
	}
	tail := info.Size() > most
	reader := bufio.NewReaderSize(&bounded{file, most}, 64<<10)
	if tail {
		if _, err := file.Seek(-most, io.SeekEnd); err != nil {
			return SkipUnreadable, nil
		}
		if _, err := reader.ReadSlice('\n'); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return skipped(err, tail), nil
		}
	}
	return skipped(c.lines(ctx, path, reader), tail), ctx.Err()
}

func skipped(err error, large bool) SkipReason {
	switch {
	case errors.Is(err, errBound) || large && errors.Is(err, io.EOF) || large && err == nil:
		return SkipLarge
	case err != nil && !errors.Is(err, io.EOF):
		return SkipUnreadable
	}
	return ""
}

// errBound ends a file that has more than is read of it.
var errBound = errors.New("more than is read of one file")

// bounded is a reader whose end by the bound is no end of the file: the line
// it cuts off would show a URL that is none.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var more [1]byte
		if _, err := io.ReadFull(b.from, more[:]); err != nil {
			return 0, err
		}
		return 0, errBound
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// lines hands every line on; of one that is too long its beginning.
func (c *collector) lines(ctx context.Context, source string, from *bufio.Reader) error {
	r := &lineReader{c: c, source: source}
	var long []byte
	for n := 1; ; n++ {
		if n%everyLines == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		part, err := from.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if len(long) < longestLine {
				long = append(long, part...)
			}
			continue
		}
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return err
		}
		line := part
		if len(long) > 0 {
			line = append(long, part[:min(len(part), max(0, longestLine-len(long)))]...)
			long = long[:0]
		}
		if len(line) > 0 {
			r.line(line)
		}
		if last {
			return nil
		}
	}
}
