package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Sizes in bytes of reading a log.
const (
	step        = 1 << 20  // backwards, in search of the window's beginning
	longestLine = 64 << 10 // longer ones are left out
	packing     = 4        // so many times more of a packed file, which has no way in from its end
)

// lines calls visit with every line of a log that may have been written since
// a moment: at most so many bytes of its end, or more from the beginning of a
// packed one. A line is valid until visit returns.
func lines(ctx context.Context, f *os.File, since time.Time, most int64, visit func([]byte)) error {
	var from io.Reader
	if strings.HasSuffix(f.Name(), ".gz") {
		packed, err := gzip.NewReader(f)
		if err != nil {
			return fmt.Errorf("unpacking an access log: %w", err)
		}
		from, most = packed, packing*most // the newest lines are its last
	} else {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		start, err := beginning(f, info.Size(), since, most)
		if err != nil {
			return err
		}
		from = io.NewSectionReader(f, start, info.Size()-start)
	}
	return scan(ctx, io.LimitReader(from, most), visit)
}

// beginning finds an offset from which on all lines since a moment stand, the
// log being in the order of time.
func beginning(f io.ReaderAt, size int64, since time.Time, most int64) (int64, error) {
	floor := max(size-most, 0)
	for start := size; start > floor; {
		start = max(start-step, floor)
		at, ok, err := timeNear(f, start)
		if err != nil {
			return 0, err
		}
		if ok && at.Before(since) {
			return start, nil
		}
	}
	return floor, nil
}

// timeNear is the time of the first whole line behind an offset.
func timeNear(f io.ReaderAt, offset int64) (time.Time, bool, error) {
	block := make([]byte, longestLine)
	n, err := f.ReadAt(block, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return time.Time{}, false, fmt.Errorf("reading an access log: %w", err)
	}
	_, line, _ := bytes.Cut(block[:n], []byte("\n"))
	line, _, _ = bytes.Cut(line, []byte("\n"))
	at, ok := lineTime(line)
	return at, ok, nil
}

// scan gives every line that is not too long. The first may be half of one.
func scan(ctx context.Context, from io.Reader, visit func([]byte)) error {
	r := bufio.NewReaderSize(from, longestLine)
	long := false
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = true
			continue
		}
		if !long && len(line) > 0 {
			visit(line)
		}
		long = false
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading an access log: %w", err)
		}
	}
}
