// The rows about tasks: see bench/peers/lua/tasks.lua. A task is a goroutine.
package main

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"time"
)

func mark(name string) {
	fmt.Printf("MARK %s\n", name)
	os.Stdin.Read(make([]byte, 1))
}

func finish(count int) {
	mark("stop")
	fmt.Printf("count=%d\n", count)
	os.Exit(0)
}

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return n
}

func seconds(i int) time.Duration {
	s, err := strconv.ParseFloat(os.Args[i], 64)
	if err != nil {
		panic(err)
	}
	return time.Duration(s * 1e9)
}

func crowd(tasks, each int, work func()) {
	var left sync.WaitGroup
	left.Add(tasks)
	mark("start")
	for i := 0; i < tasks; i++ {
		go func() {
			for j := 0; j < each; j++ {
				work()
			}
			left.Done()
		}()
		if i%1000 == 999 {
			runtime.Gosched()
		}
	}
	left.Wait()
	finish(tasks * each)
}

func spawn(n, batch int) {
	var done sync.WaitGroup
	count := 0 // there is one core
	mark("start")
	for round := 0; round < n/batch; round++ {
		done.Add(batch)
		for i := 0; i < batch; i++ {
			go func() {
				count++
				done.Done()
			}()
		}
		done.Wait()
	}
	finish(count)
}

func parked(n int) {
	var begun sync.WaitGroup
	never := make(chan int)
	begun.Add(n)
	mark("start")
	for i := 0; i < n; i++ {
		go func() {
			begun.Done()
			<-never
		}()
	}
	begun.Wait()
	finish(n)
}

func lateness(n int, nap time.Duration) {
	late := make([]time.Duration, n)
	early := 0
	for i := range late {
		start := time.Now()
		time.Sleep(nap)
		late[i] = time.Since(start) - nap
		if late[i] < 0 {
			early++
		}
	}
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	fmt.Printf("p50_us=%g\n", float64(late[n/2])/1e3)
	fmt.Printf("p99_us=%g\nearly=%d\n", float64(late[n*99/100])/1e3, early)
	finish(n)
}

func main() {
	runtime.GOMAXPROCS(1)
	switch n := number(2); os.Args[1] {
	case "yield":
		crowd(number(3), n/number(3), runtime.Gosched)
	case "sleepers":
		longest := seconds(4)
		crowd(number(3), n/number(3), func() {
			time.Sleep(time.Duration(rand.Int63n(int64(longest))))
		})
	case "spawn":
		spawn(n, number(3))
	case "parked":
		parked(n)
	case "lateness":
		lateness(n, seconds(3))
	}
}
