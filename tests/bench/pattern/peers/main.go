// The cases of bench-pattern on quamina: see ../main.c for what is read and printed.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"quamina.net/go/quamina/v2"
)

const passes = 5

func cpuSeconds() float64 {
	var t syscall.Timespec
	const threadCPU = 3
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadCPU, uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Sec) + float64(t.Nsec)/1e9
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(line string) {
	f := strings.Split(line, "\t")
	name, category := f[0], f[2]
	most, _ := strconv.Atoi(f[3])
	rules, err := os.ReadFile(f[1])
	must(err)
	file, err := os.ReadFile(f[4])
	must(err)
	events := bytes.Split(bytes.TrimSuffix(file, []byte("\n")), []byte("\n"))
	q, err := quamina.New()
	must(err)
	start, n := cpuSeconds(), 0
	for _, rule := range strings.Split(strings.TrimSuffix(string(rules), "\n"), "\n") {
		if most > 0 && n >= most {
			break
		}
		f := strings.Split(rule, "\t")
		if category != "-" && f[0] != category {
			continue
		}
		if err := q.AddPattern(n, f[len(f)-1]); err != nil {
			fmt.Printf("%s\trefused\n", name)
			return
		}
		n++
	}
	built := cpuSeconds() - start
	var times []float64
	matches := 0
	for i := -1; i < passes; i++ { // the first is not counted
		start := cpuSeconds()
		matches = 0
		for _, event := range events {
			found, err := q.MatchesForEvent(event)
			must(err)
			matches += len(found)
		}
		if i >= 0 {
			times = append(times, cpuSeconds()-start)
		}
	}
	sort.Float64s(times)
	fmt.Printf("%s\t%.1f\t%d\t%.0f\t0\n", name, times[passes/2]*1e9/float64(len(events)), matches, float64(n)/built)
}

func main() {
	runtime.LockOSThread()
	cases, err := os.ReadFile(os.Args[1])
	must(err)
	for _, line := range strings.Split(strings.TrimSuffix(string(cases), "\n"), "\n") {
		run(line)
	}
}
