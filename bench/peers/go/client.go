// Asks one server over and over by net/http: TASKS goroutines at once.
//
//	client PORT TASKS WARM N
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

var (
	input  = bufio.NewReader(os.Stdin)
	client *http.Client
	url    string
)

func mark(name string) {
	fmt.Println("MARK " + name)
	input.ReadString('\n')
}

func ask() int64 {
	res, err := client.Get(url)
	if err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(body) == "hello, world\n" {
		return 1
	}
	return 0
}

// Asks so often in all; how many answers were right.
func run(tasks, count int64) int64 {
	var right int64
	var all sync.WaitGroup
	for i := int64(0); i < tasks; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for atomic.AddInt64(&count, -1) >= 0 {
				atomic.AddInt64(&right, ask())
			}
		}()
	}
	all.Wait()
	return right
}

func number(i int) int64 {
	n, _ := strconv.ParseInt(os.Args[i], 10, 64)
	return n
}

func main() {
	tasks := number(2)
	transport := http.DefaultTransport.(*http.Transport)
	transport.MaxIdleConnsPerHost = int(tasks)
	client = &http.Client{Transport: transport}
	url = "http://127.0.0.1:" + os.Args[1] + "/"
	run(tasks, number(3))
	mark("start")
	right := run(tasks, number(4))
	mark("stop")
	fmt.Printf("count=%d\n", right)
}
