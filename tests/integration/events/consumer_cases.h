/*
 * The tests of the consumer, by what they are about; one program, for each would need a Kafka. Each
 * function runs its tests and returns how many failed.
 */
#pragma once

/* letters_cases.c: what cannot be handled. */
int letters_cases(void);
/* trouble_cases.c: what goes wrong beside it. */
int trouble_cases(void);
/* A consumer for a process of its own; never returns. */
int trouble_run_consumer(void);
