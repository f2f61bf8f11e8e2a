// tests/system/semihosting/calls.s - makes the semihosting calls of a table, and prints what each returns.

        .equ    SYS_OPEN, 0x01
        .equ    SYS_CLOSE, 0x02
        .equ    SYS_WRITEC, 0x03
        .equ    SYS_WRITE0, 0x04
        .equ    SYS_WRITE, 0x05
        .equ    SYS_READ, 0x06
        .equ    SYS_READC, 0x07
        .equ    SYS_ISERROR, 0x08
        .equ    SYS_ISTTY, 0x09
        .equ    SYS_SEEK, 0x0a
        .equ    SYS_FLEN, 0x0c
        .equ    SYS_TMPNAM, 0x0d
        .equ    SYS_REMOVE, 0x0e
        .equ    SYS_RENAME, 0x0f
        .equ    SYS_CLOCK, 0x10
        .equ    SYS_TIME, 0x11
        .equ    SYS_SYSTEM, 0x12
        .equ    SYS_ERRNO, 0x13
        .equ    SYS_GET_CMDLINE, 0x15
        .equ    SYS_HEAPINFO, 0x16
        .equ    SYS_EXIT, 0x18
        .equ    SYS_EXIT_EXTENDED, 0x20
        .equ    SYS_ELAPSED, 0x30
        .equ    SYS_TICKFREQ, 0x31

        // What a row says beside its operation and arguments.
        .equ    KEEP, 1                 // the result is the handle of the rows that follow
        .equ    TEXT, 2                 // print the text in the buffer, too
        .equ    DIRECT, 4               // X1 is the first argument itself
        .equ    QUIET, 8                // print nothing
        .equ    HANDLE, 0x7fff0001      // an argument that stands for the handle

        .macro  semihost
        hlt     #0xf000
        .endm

// A row: what to print, operation, flags, up to four arguments.
        .macro  row     name, operation, flags=0, a=0, b=0, c=0, d=0
        .pushsection .rodata.names, "a"
900:    .asciz  "\name"
        .popsection
        .quad   900b, \operation, \flags, \a, \b, \c, \d
        .endm

// SYS_OPEN with a name as text.
        .macro  open    name, mode
        .pushsection .rodata.names, "a"
901:    .ascii  "\name"
902:    .byte   0
        .popsection
        row     "open \name", SYS_OPEN, KEEP, 901b, \mode, 902b - 901b
        .endm

        .text
        .global _start
_start: adr     x0, vectors
        msr     vbar_el1, x0
        isb
        ldr     x19, =rows
        ldr     x20, =rows_end
        ldr     x21, =block
        mov     x22, #0                 // the handle

next:   cmp     x19, x20
        b.hs    .
        ldp     x23, x0, [x19]          // name, operation
        ldr     x24, [x19, #16]         // flags
        ldr     x25, =buffer
        mov     x26, #256
clear:  sub     x26, x26, #8
        str     xzr, [x25, x26]
        cbnz    x26, clear
        add     x25, x19, #24
copy:   ldr     x2, [x25, x26, lsl #3]
        ldr     x3, =HANDLE
        cmp     x2, x3
        csel    x2, x22, x2, eq
        str     x2, [x21, x26, lsl #3]
        add     x26, x26, #1
        cmp     x26, #4
        b.lo    copy
        mov     x1, x21
        tbz     x24, #2, 1f
        ldr     x1, [x21]
1:      semihost
        tbz     x24, #0, 2f
        mov     x22, x0
2:      tbnz    x24, #3, done
        mov     x27, x0
        mov     x1, x23
        bl      print
        bl      print_number
        tbz     x24, #1, done
        ldr     x1, =buffer
        bl      print
        ldr     x1, =newline
        bl      print
done:   add     x19, x19, #56
        b       next

print:  mov     w0, #SYS_WRITE0
        semihost
        ret

// ": " and X27 in decimal if it is small, or in hexadecimal, and a newline.
print_number:
        mov     x28, x30
        ldr     x1, =digits
        add     x2, x1, #18
        mov     x3, x27
3:      and     x4, x3, #15
        cmp     x4, #10
        add     x5, x4, #'0'
        add     x6, x4, #'a' - 10
        csel    x4, x5, x6, lo
        strb    w4, [x2, #-1]!
        lsr     x3, x3, #4
        cmp     x2, x1
        b.hi    3b
        mov     w4, #':'
        strb    w4, [x1]
        mov     w4, #' '
        strb    w4, [x1, #1]
        bl      print
        ret     x28

// An exception: what HLT is without semihosting. "undefined\n" on the PL011, then PSCI SYSTEM_OFF.
        .balign 2048
vectors:
        .fill   128, 4, 0xd503201f      // NOPs down to the vector of this EL with SP_ELx
        ldr     x0, =undefined
        ldr     x1, =0x09000000
4:      ldrb    w2, [x0], #1
        cbz     w2, 5f
        str     w2, [x1]
        b       4b
5:      ldr     w0, =0x84000008
        hvc     #0
        .ltorg

        .section .rodata
hello:  .asciz  "hello by SYS_WRITE0\n"
line:   .ascii  "a line by :tt\n"
line_end:
ten:    .ascii  "0123456789"
extra:  .ascii  "ab"
newline: .asciz "\n"
undefined: .asciz "undefined\n"
text_old: .ascii "old.txt"
text_new: .ascii "new.txt"
text_out: .ascii "../out.txt"
command: .ascii "true"

        .data
        .balign 8
block:  .fill   8, 8, 0
digits: .fill   18, 1, 0                // ": " and 16 digits
        .byte   10, 0
        .balign 8
numbers: .fill  4, 8, 0
buffer: .fill   256, 1, 0
rows:   row     "", SYS_WRITE0, DIRECT + QUIET, hello
        open    ":tt", 4
        row     "write", SYS_WRITE, 0, HANDLE, line, line_end - line
        row     "istty", SYS_ISTTY, 0, HANDLE
        row     "flen", SYS_FLEN, 0, HANDLE
        row     "read from output", SYS_READ, 0, HANDLE, buffer, 4
        row     "close", SYS_CLOSE, 0, HANDLE
        row     "close again", SYS_CLOSE, 0, HANDLE
        row     "errno", SYS_ERRNO
        open    ":semihosting-features", 0
        row     "flen", SYS_FLEN, 0, HANDLE
        row     "read", SYS_READ, TEXT, HANDLE, buffer, 8
        row     "close", SYS_CLOSE, 0, HANDLE
        open    "new.txt", 0
        row     "errno", SYS_ERRNO
        open    "new.txt", 4
        row     "write", SYS_WRITE, 0, HANDLE, ten, 10
        row     "close", SYS_CLOSE, 0, HANDLE
        open    "new.txt", 8
        row     "write", SYS_WRITE, 0, HANDLE, extra, 2
        row     "close", SYS_CLOSE, 0, HANDLE
        open    "new.txt", 0
        row     "flen", SYS_FLEN, 0, HANDLE
        row     "seek", SYS_SEEK, 0, HANDLE, 4
        row     "read", SYS_READ, TEXT, HANDLE, buffer, 20
        row     "read at the end", SYS_READ, 0, HANDLE, buffer, 20
        row     "seek behind", SYS_SEEK, 0, HANDLE, 13
        row     "istty", SYS_ISTTY, 0, HANDLE
        row     "write to read-only", SYS_WRITE, 0, HANDLE, ten, 10
        row     "close", SYS_CLOSE, 0, HANDLE
        row     "rename", SYS_RENAME, 0, text_new, 7, text_old, 7
        row     "rename again", SYS_RENAME, 0, text_new, 7, text_old, 7
        row     "remove", SYS_REMOVE, 0, text_new, 7
        row     "rename upwards", SYS_RENAME, 0, text_old, 7, text_out, 10
        open    "/secret", 0
        row     "errno", SYS_ERRNO
        open    "../secret", 0
        row     "errno", SYS_ERRNO
        open    "../../secret", 4
        row     "close", SYS_CLOSE, 0, HANDLE
        open    "link", 0
        row     "errno", SYS_ERRNO
        open    "link", 4
        open    "folder-link/secret", 0
        row     "errno", SYS_ERRNO
        open    "fifo", 0
        row     "errno", SYS_ERRNO
        open    "sub", 0
        row     "errno", SYS_ERRNO
        open    "./sub//../sub/inner", 0
        row     "read", SYS_READ, TEXT, HANDLE, buffer, 6
        row     "close", SYS_CLOSE, 0, HANDLE
        open    "sub/none/file", 4
        open    "mode", 12
        row     "tmpnam", SYS_TMPNAM, TEXT, buffer, 7, 100
        row     "tmpnam, short", SYS_TMPNAM, 0, buffer, 7, 5
        row     "cmdline", SYS_GET_CMDLINE, TEXT, buffer, 256
        row     "cmdline, short", SYS_GET_CMDLINE, 0, buffer, 3
        row     "system", SYS_SYSTEM, 0, command, 4
        row     "errno", SYS_ERRNO
        row     "iserror", SYS_ISERROR, 0, -5
        row     "iserror", SYS_ISERROR, 0, 5
        row     "unknown", 0x99
        row     "clock", SYS_CLOCK
        row     "time", SYS_TIME
        row     "tickfreq", SYS_TICKFREQ
        row     "elapsed", SYS_ELAPSED, DIRECT, numbers
        row     "heapinfo", SYS_HEAPINFO, 0, numbers
        row     "readc", SYS_READC
        open    ":tt", 0
        row     "read", SYS_READ, TEXT, HANDLE, buffer, 200
        row     "read", SYS_READ, TEXT, HANDLE, buffer, 2
        row     "read", SYS_READ, TEXT, HANDLE, buffer, 2
        row     "read at the end", SYS_READ, 0, HANDLE, buffer, 2
        row     "readc at the end", SYS_READC
        row     "exit", SYS_EXIT, 0, 0x20026, 42
rows_end:
