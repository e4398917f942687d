import {
  Body,
  Controller,
  Get,
  Param,
  ParseIntPipe,
  Post,
  Query,
  ValidationPipe,
} from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsString, Length, Min, ValidateNested } from 'class-validator';
import { Session } from '../../src/index.js';
import { json, sessions, start } from './application.js';

class Address {
  @IsString()
  @Length(2, 50)
  city!: string;
}

class Person {
  @IsString()
  name!: string;

  @ValidateNested()
  @Type(() => Address)
  address!: Address;
}

class Page {
  @IsInt()
  @Min(1)
  @Type(() => Number)
  page = 1;
}

@Controller('people')
class PeopleController {
  @Post()
  add(@Body() person: Person, @Session() session: Session & { last?: string }): unknown {
    session.last = person.name;
    return { isPerson: person instanceof Person, isAddress: person.address instanceof Address };
  }

  @Get('last')
  last(@Session('last' as never) last: string): string {
    return last ?? 'nobody';
  }

  @Get()
  list(@Query() { page }: Page): unknown {
    return { page, type: typeof page };
  }

  @Get(':id')
  one(@Param('id', ParseIntPipe) id: number): unknown {
    return { id };
  }
}

it('class-validator and class-transformer check bodies, queries and parameters', async () => {
  const { browser } = await start(
    { imports: [sessions], controllers: [PeopleController] },
    {
      configure: (app) =>
        app.useGlobalPipes(
          new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }),
        ),
    },
  );
  const added = await browser.fetch('/people', json({ name: 'Ada', address: { city: 'London' } }));
  expect(added.status).toBe(201);
  expect(await added.json()).toEqual({ isPerson: true, isAddress: true });

  const refused = await browser.fetch('/people', json({ name: 7, address: { city: '' }, x: 1 }));
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    message: [
      'property x should not exist',
      'name must be a string',
      'address.city must be longer than or equal to 2 characters',
    ],
  });
  expect(await browser.text('/people/last')).toBe('Ada');

  const list = async (query: string): Promise<Response> => browser.fetch(`/people${query}`);
  expect(await (await list('?page=3')).json()).toEqual({ page: 3, type: 'number' });
  expect((await list('?page=0')).status).toBe(400);
  expect(await (await list('/12')).json()).toEqual({ id: 12 });
  expect((await list('/twelve')).status).toBe(400);
});
