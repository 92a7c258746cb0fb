package dns

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
)

// BenchmarkResolver measures lookups per second of our own CPU: the server is
// another process. It asks as Inspect does, four questions about a name at once.
func BenchmarkResolver(b *testing.B) {
	addr := startResponder(b)
	for _, together := range []int{1, 4} {
		b.Run(fmt.Sprintf("together=%d", together), func(b *testing.B) {
			r := resolver(b, Options{Servers: []netip.AddrPort{addr}, Timeout: 2 * time.Second})
			b.ReportAllocs()
			before := cpu()
			b.ResetTimer()
			failed := lookups(b, r, b.N, together)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/(cpu()-before).Seconds(), "lookups/CPU-s")
			if failed > 0 {
				b.Errorf("%d lookups failed", failed)
			}
		})
	}
}

// lookups asks n questions from 200 goroutines, in batches of the given size.
func lookups(b *testing.B, r *Resolver, n, together int) int64 {
	types := []uint16{mdns.TypeA, mdns.TypeAAAA, mdns.TypeNS, mdns.TypeCAA}
	var asked, failed atomic.Int64
	var wg sync.WaitGroup
	for worker := range 200 {
		wg.Go(func() {
			name := fmt.Sprintf("domain-%d.example", worker)
			queries := make([]Query, together)
			for asked.Add(int64(together)) <= int64(n+together) {
				for i := range queries {
					queries[i] = Query{Name: name, Type: types[i]}
				}
				for _, got := range r.AskAll(b.Context(), queries) {
					if got.Err != nil {
						failed.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	return failed.Load()
}

func startResponder(b *testing.B) netip.AddrPort {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), responderEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return netip.MustParseAddrPort(strings.TrimSpace(line))
}

// respond answers each question with one record of its type: an address for A,
// an empty answer for other types.
func respond() {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		panic(err)
	}
	_ = conn.SetReadBuffer(4 << 20)
	fmt.Println(conn.LocalAddr())
	buf := make([]byte, maxUDP)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		msg := buf[:n]
		msg[2], msg[3], msg[11] = 0x84, 0x80, 0 // an answer without EDNS
		end, _ := skipName(msg, headerLen)
		msg = msg[:end+4]
		if msg[end+1] == byte(mdns.TypeA) {
			msg[7] = 1
			msg = append(msg, 0xc0, headerLen, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1)
		}
		_, _ = conn.WriteToUDPAddrPort(msg, from)
	}
}

// cpu is this process's CPU time, user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
