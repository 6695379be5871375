SELECT
  *
FROM (
  SELECT
    "t4"."period",
    SUM("t4"."customer") AS "customers",
    SUM(CASE WHEN "t4"."customer" <> 0 THEN 1 ELSE 0 END) AS "customers__rows",
    CAST(SUM("t4"."mrr") AS DECIMAL(28, 6)) AS "mrr",
    SUM(CASE WHEN "t4"."mrr" <> 0 THEN 1 ELSE 0 END) AS "mrr__rows",
    SUM("t4"."left_out") AS "left_out"
  FROM (
    SELECT
      "t2"."account",
      "t2"."mrr",
      "t2"."before",
      "t2"."drift",
      "t2"."left_out",
      "t2"."from_day",
      "t2"."until_day",
      "t2"."customer",
      "t2"."customer_before",
      "t2"."movement",
      "t2"."cause",
      "t2"."plan",
      "t2"."currency",
      "t2"."origin",
      "t3"."period",
      "t3"."opening_day",
      "t3"."last_day",
      "t3"."first_day",
      "t3"."end_day"
    FROM "account_levels" AS "t2"
    INNER JOIN "edges" AS "t3"
      ON "t2"."from_day" <= "t3"."last_day" AND "t2"."until_day" > "t3"."last_day"
  ) AS "t4"
  GROUP BY
    1
) AS "t5";
