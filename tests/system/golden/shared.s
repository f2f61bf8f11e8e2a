// tests/system/golden/shared.s - two cores on one identity map add to one number in memory; core 0 makes the tables.
// Assembled: aarch64-linux-gnu-as shared.s -o shared.o && aarch64-linux-gnu-objcopy -O binary shared.o shared.bin
start:  movz x10, #0x4200, lsl #16
        mrs x9, mpidr_el1
        and x9, x9, #255
        cbnz x9, both
        movz x3, #0x405
        str x3, [x10]
        movz x3, #0x701
        movk x3, #0x4000, lsl #16
        str x3, [x10, #8]
        dsb sy
        movz w0, #3
        movk w0, #0xc400, lsl #16
        mov x1, #1
        adr x2, start
        hvc #0
both:   msr ttbr0_el1, x10
        mov x3, #255
        msr mair_el1, x3
        movz x3, #0x3519
        movk x3, #0x80, lsl #16
        movk x3, #2, lsl #32
        msr tcr_el1, x3
        isb
        mrs x3, sctlr_el1
        mov x4, #0x1005
        orr x3, x3, x4
        msr sctlr_el1, x3
        isb
        movz x1, #0x4100, lsl #16
        add x7, x1, x9, lsl #14
        movz x5, #0x900, lsl #16
        movz x2, #3000
loop:   ldr x3, [x1]
        add x3, x3, x2
        eor x3, x3, x3, ror #7
        str x3, [x1]
        tst x2, #31
        b.ne skip
        str x3, [x7, #64]!
        and x7, x7, #~0x2000
        and w6, w3, #15
        add w6, w6, #'a'
        strb w6, [x5]
skip:   subs x2, x2, #1
        b.ne loop
        movz w0, #8
        movk w0, #0x8400, lsl #16
        hvc #0
